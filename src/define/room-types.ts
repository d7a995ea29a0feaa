import type { SchemaInput, SchemaOutput, StandardSchema } from "./standard-schema.ts";

/** What a schema takes; anything where there is none. */
export type Given<Z> = Z extends StandardSchema ? SchemaInput<Z> : unknown;
/** The value of a packet or a payload: it may be left out where nothing is fine. */
type Optional<K extends string, V> = undefined extends V ? { readonly [P in K]?: V } : { readonly [P in K]: V };

/**
 * A packet that a handler sends. Its `type` may be any that the protocol does not use. Listeners of clients get `value`;
 * other keys are sent too, for those who read whole packets. A `Date` is sent as its ISO text; what JSON cannot hold, a
 * `Map` for example, is refused.
 */
export interface Packet {
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

/** The metadata of a listed room: plain JSON. */
export type Metadata = Readonly<Record<string, unknown>>;

/** Which of the schedules of one name is meant. */
export interface ScheduleOptions {
  /** Up to 512 characters. There is one schedule for each key, and one without. */
  readonly key?: string;
}

/** An entry of `schedules` that will run. */
export interface Scheduled {
  readonly name: string;
  /** Where it has one. */
  readonly key?: string | undefined;
  /** ms since 1970 */
  readonly at: number;
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

/** What handlers of a room may use: P is a packet that it may send, A the arguments of `room.schedule`. */
export interface HandlerTypes<P = Packet, A = ScheduleArguments<unknown>, C = unknown, J = unknown> {
  readonly packet: P;
  readonly schedule: A;
  /** The state of a connection. */
  readonly connection: C;
  /** What clients join with. */
  readonly join: J;
}
export type AnyHandlerTypes = HandlerTypes<unknown, readonly [name: string, ...rest: unknown[]]>;

/**
 * What a definition declares beside its state: E has the schemas of its events by name, N those of what its schedules
 * take, C is the state of a connection, and J the schema of what clients join with. What is unknown is not checked.
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
