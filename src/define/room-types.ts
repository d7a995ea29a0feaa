import type { SchemaInput, SchemaOutput, StandardSchema } from "./standard-schema.ts";

/** The input type of a schema. `unknown` without a schema. */
export type Given<Z> = Z extends StandardSchema ? SchemaInput<Z> : unknown;
/** The value of a packet or a payload. It may be omitted if its type includes undefined. */
type Optional<K extends string, V> = undefined extends V ? { readonly [P in K]?: V } : { readonly [P in K]: V };

/**
 * A packet that a handler sends. Listeners of the typed client get `value`; other properties are sent too, for code
 * that reads whole packets. A `Date` is sent as ISO text. A value that JSON cannot represent, such as a `Map`, throws.
 */
export interface Packet {
  /** Any text that the protocol does not use itself. */
  readonly type: string;
  readonly value?: unknown;
  readonly [key: string]: unknown;
}

/** Schemas of events, by name. */
export type Events = Readonly<Record<string, StandardSchema>>;

/** A packet that a room may send: one of its events, if the definition declares some. */
type PacketOf<E> = unknown extends E ? Packet : EventPacket<E>;
type EventPacket<E> = {
  [K in keyof E & string]: { readonly type: K } & Optional<"value", Given<E[K]>>;
}[keyof E & string];

/** The metadata of a listed room: a plain object of up to 2,048 bytes as JSON. */
export type Metadata = Readonly<Record<string, unknown>>;

/** Options of `room.schedule` and `room.unschedule`. */
export interface ScheduleOptions {
  /** Tells tasks of the same name apart: 1 to 512 characters. Default: no key. */
  readonly key?: string;
}

/** A task that `room.schedule` has scheduled. */
export interface Scheduled {
  /** The name of the task in `schedules`. */
  readonly name: string;
  /** The key, if it was scheduled with one. */
  readonly key?: string | undefined;
  /** When it runs, in ms since 1970. */
  readonly at: number;
  /** The payload as it was passed to `room.schedule`. */
  readonly payload: unknown;
}

/** The arguments of `room.schedule`. */
type ScheduleArguments<N> = unknown extends N
  ? [name: string, when: number | Date, payload?: unknown, options?: ScheduleOptions]
  : {
      [K in keyof N & string]: undefined extends Given<N[K]>
        ? [name: K, when: number | Date, payload?: Given<N[K]>, options?: ScheduleOptions]
        : [name: K, when: number | Date, payload: Given<N[K]>, options?: ScheduleOptions];
    }[keyof N & string];

/**
 * The types that handlers of a room use. P: the packets that it may send, A: the arguments of `room.schedule`, C: the
 * state of a connection, J: the value that clients join with.
 */
export interface HandlerTypes<P = Packet, A = ScheduleArguments<unknown>, C = unknown, J = unknown> {
  readonly packet: P;
  readonly schedule: A;
  /** The state of a connection. */
  readonly connection: C;
  /** The value that clients join with. */
  readonly join: J;
}
export type AnyHandlerTypes = HandlerTypes<unknown, readonly [name: string, ...rest: unknown[]]>;

/**
 * The types that a definition declares besides its state, for {@link RoomHandle}, {@link Guard} and others. E: schemas
 * of its events by name, N: schemas of the payloads of its schedules by name, C: the state of a connection, J: the
 * schema of `join`. A type that is `unknown` is not checked.
 *
 * @example
 * import type { RoomHandle, RoomTypes } from "durable-rooms";
 * import * as z from "zod";
 * const events = { chat: z.string() };
 * const say = (room: RoomHandle<RoomTypes<typeof events>>, text: string) => room.broadcast({ type: "chat", value: text });
 */
export type RoomTypes<E = unknown, N = unknown, C = unknown, J = unknown> = HandlerTypes<
  PacketOf<E>,
  ScheduleArguments<N>,
  C,
  J extends StandardSchema ? SchemaOutput<J> : unknown
>;
