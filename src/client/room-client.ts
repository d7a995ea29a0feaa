import type { AnyRoom } from "../define/room.ts";
import type { ConnectError } from "./errors.ts";
import type { ClientStatus } from "./status.ts";
import type { ActionArguments, ActionName, ActionResult, ClientState, RoomEvents } from "./types.ts";

/** A refusal that answers no call, as the room or the client itself tells it. */
export interface Refusal {
  /**
   * The server's; or of emits `overflow` or `closed`, which were not sent, or `unconfirmed`: the connection broke before
   * anything showed that they arrived; or `bad_frame`, where the client could not read what came, and connects anew.
   */
  readonly code: string;
  readonly message: string;
  readonly action?: string;
  /** How many emits of the action it is about, if there may be several. */
  readonly count?: number;
}

/** The events that a client tells of itself; any other name is the type of a room's own packets. */
export interface ClientEvents {
  readonly status: ClientStatus;
  /**
   * Something went wrong that answers no call; or a {@link ConnectError}, which says why the client is not connected. If
   * nobody listens, the first of these is written to the console.
   */
  readonly error: Refusal | ConnectError;
  /** Each packet that came, as in JSON, before anything is done with it: for debugging. */
  readonly packet: ReceivedPacket;
  /** A sync packet was applied. */
  readonly sync: SyncEvent;
  /** The room was destroyed, by `room.destroy` or since nobody visited it. `closed` follows. */
  readonly destroyed: { readonly reason: string };
  /** The room, or the World, ended the connection for good. */
  readonly closed: { readonly code: number; readonly reason: string };
}

/** What a sync packet said, and the state with it. */
export interface SyncEvent {
  /** The number of the room's last tick, in a room with `tick`. */
  readonly tick?: number;
  /** With the first packet of a connection: how often a second the room ticks. */
  readonly hz?: number;
  /** The number of this client's last input that the room applied, if there is a new one. */
  readonly input?: number;
  /** Whether it is the first packet of a connection. */
  readonly isFirst: boolean;
  /** The state as the room sent it, without what {@link RoomClient.optimistic} expects. */
  readonly state: unknown;
}

/** A packet that a room sent by `room.send` or `room.broadcast`. */
export interface ReceivedPacket {
  readonly type: string;
  readonly value?: unknown;
  readonly [key: string]: unknown;
}

/** An input, with its number: each has a higher one than those before. */
export interface NumberedInput {
  readonly number: number;
  readonly value: unknown;
}

/** A connection to a room, typed by the room's definition. */
export interface RoomClient<R extends AnyRoom> {
  /**
   * What this client sees of the state, with what {@link RoomClient.optimistic} expects. Immutable; parts that did
   * not change keep their identity. Empty before the first packet.
   */
  readonly state: ClientState<R>;
  /** Where it is on its way to the room. */
  readonly status: ClientStatus;
  /**
   * The private session id. Whoever has it is this user: keep it secret. Undefined until a `storage` of your own has
   * answered.
   */
  readonly id: string | undefined;
  /** The user's public id; undefined before the first packet. */
  readonly publicId: string | undefined;
  /** The id of the room; undefined until it is found, where `room` is a function. */
  readonly room: string | undefined;
  /** The shard that it is connected to, as the World names it; undefined at the room itself. */
  readonly shard: string | undefined;
  /** How long the room's runtime takes to answer, in ms, as last measured; undefined before the first time. */
  readonly latency: number | undefined;
  /** How often a packet was missing, and the client asked for what it lacks. */
  readonly resyncs: number;
  /**
   * Sends an action that nobody waits for. While offline it waits, behind at most 400 others. If the connection breaks
   * before a later call or ping was answered, it may be lost: then there is an `error` event with `unconfirmed`.
   */
  emit<K extends ActionName<R>>(action: K, ...value: ActionArguments<R, K>): void;
  /**
   * Sends an action and waits for its result. While offline it waits to be sent. If the connection breaks before the
   * answer, it is sent again with the same id, and the room answers without doing it twice. A server that knows only
   * the first protocol would: there the call fails with `closed`.
   * @throws CallError with the server's code and issues; or `timeout`, `overflow` or `closed`
   */
  call<K extends ActionName<R>>(action: K, ...value: ActionArguments<R, K>): Promise<ActionResult<R, K>>;
  /**
   * Calls an action, and shows at once what it is expected to do. This is dropped when the action failed, or when the
   * state includes what was done: with the answer, or with the packet that follows it.
   *
   * @param apply returns the expected state, and changes nothing in place. It is applied anew to each state that the
   * server sends, and for a moment to one that includes the action already: so it sets a value, rather than adding to it
   * @throws what `call` throws, and what `apply` throws at the present state; then nothing is sent
   * @example
   * await game.optimistic("rename", "Ada", (state) => ({ ...state, name: "Ada" }));
   */
  optimistic<K extends ActionName<R>>(
    action: K,
    value: ActionArguments<R, K>[0],
    apply: (state: ClientState<R>) => ClientState<R>,
  ): Promise<ActionResult<R, K>>;
  /**
   * Calls back for each event or packet of a type, with its value: an event of the client itself, one that the room's
   * definition declares in `events`, or, where it declares none, a packet of any type. For a packet of the room the
   * second argument is all of it, with the other keys that the room sent.
   * @returns what ends it
   */
  on<E extends keyof (ClientEvents & RoomEvents<R>)>(
    type: E,
    listener: (
      value: E extends keyof ClientEvents ? ClientEvents[E] : RoomEvents<R>[E & keyof RoomEvents<R>],
      packet: E extends keyof ClientEvents ? undefined : ReceivedPacket,
    ) => void,
  ): () => void;
  /** Ends what {@link RoomClient.on} began. */
  off(type: string, listener: (value: never, packet: never) => void): void;
  /**
   * Sends numbered inputs now, in one frame: `predict` of `durable-rooms/netcode` calls it.
   * @param seen the tick that is shown of others
   * @returns false if there is no connection: then none was sent
   */
  sendInputs(name: string, inputs: readonly NumberedInput[], seen?: number): boolean;
  /** Calls back whenever the state changed. @returns what ends it */
  subscribe(listener: (state: ClientState<R>) => void): () => void;
  /** Calls back whenever a part of the state changed, by `Object.is`. @returns what ends it */
  select<T>(selector: (state: ClientState<R>) => T, listener: (part: T) => void): () => void;
  /** Ends the connection for good. */
  close(): void;
}

/** The client of a room, as {@link connectRoom} and {@link connectWorld} make it: the same as {@link RoomClient}. */
export type ClientOf<R extends AnyRoom> = RoomClient<R>;
