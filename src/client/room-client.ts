import type { AnyRoom } from "../define/room.ts";
import type { ConnectError } from "./errors.ts";
import type { ClientStatus } from "./status.ts";
import type { ActionArguments, ActionName, ActionResult, ClientState, RoomEvents } from "./types.ts";

/** A refused message that no call waits for, as the event `error` reports it. */
export interface Refusal {
  /**
   * The code of the room's refusal, or a code of the client. `overflow` and `closed`: the message was not sent, since
   * too many were waiting, or since the connection is closed. `unconfirmed`: the connection broke before the room
   * confirmed the message, so it may be lost. `bad_frame`: the client could not read a frame, and reconnects.
   */
  readonly code: string;
  /** The message of the refusal. */
  readonly message: string;
  /** The action that was refused, if it is known. */
  readonly action?: string;
  /** How many messages of the action it is about, if there may be several. */
  readonly count?: number;
}

/** The events of a client itself. All other names are types of packets that the room sends. */
export interface ClientEvents {
  /** The status changed. */
  readonly status: ClientStatus;
  /**
   * A message was refused that no call waits for, or the client is not connected ({@link ConnectError}). Without a
   * listener, the first of these is written to the console.
   */
  readonly error: Refusal | ConnectError;
  /** A packet arrived. It is decoded but not applied yet: for debugging. */
  readonly packet: ReceivedPacket;
  /** A patch or a whole state was applied. */
  readonly sync: SyncEvent;
  /** The room was destroyed, by `room.destroy` or by `expireAfter`. `closed` follows. */
  readonly destroyed: { readonly reason: string };
  /** The room or the World closed the connection, and the client does not reconnect. */
  readonly closed: { readonly code: number; readonly reason: string };
}

/** A patch or a whole state that was applied. */
export interface SyncEvent {
  /** The number of the room's last tick, if the room has a `tick`. */
  readonly tick?: number;
  /** Ticks per second. Only in the first packet of a connection. */
  readonly hz?: number;
  /** The number of this client's last input that the room applied, if it has changed. */
  readonly input?: number;
  /** Whether it is the first packet of a connection. */
  readonly isFirst: boolean;
  /** The state as the room sent it, without the predictions of {@link RoomClient.optimistic}. */
  readonly state: unknown;
}

/** A packet that the room sent with `room.send`, `room.broadcast` or `conn.send`. */
export interface ReceivedPacket {
  readonly type: string;
  readonly value?: unknown;
  readonly [key: string]: unknown;
}

/** An input with its number. Each number is higher than the previous one. */
export interface NumberedInput {
  readonly number: number;
  readonly value: unknown;
}

/** The client of a room, typed by the room definition. */
export interface RoomClient<R extends AnyRoom> {
  /**
   * The state that this client sees, with the predictions of {@link RoomClient.optimistic}. It is immutable: each
   * change makes a new object, and unchanged parts keep their identity. Empty before the first packet.
   */
  readonly state: ClientState<R>;
  /** The status of the connection. */
  readonly status: ClientStatus;
  /**
   * The private session id. Whoever has it can connect as this user: keep it secret. Undefined until an asynchronous
   * `storage` has answered.
   */
  readonly id: string | undefined;
  /** The user's public id. Undefined before the first packet. */
  readonly publicId: string | undefined;
  /** The id of the room. Undefined until the function `room` has found one. */
  readonly room: string | undefined;
  /** The id of the shard that the client is connected to. Undefined without a World. */
  readonly shard: string | undefined;
  /** The last measured round trip time to the room in ms. Undefined before the first measurement. */
  readonly latency: number | undefined;
  /** How often a packet was missing, so that the client asked for the changes again. */
  readonly resyncs: number;
  /**
   * Sends an action without waiting for its result. While offline, up to 400 messages wait. If the connection breaks
   * before a later call or ping is answered, the message may be lost: the event `error` then reports `unconfirmed`.
   *
   * @example
   * game.emit("move", { x: 1, y: 2 });
   */
  emit<K extends ActionName<R>>(action: K, ...value: ActionArguments<R, K>): void;
  /**
   * Sends an action and waits for its result. While offline, the call waits to be sent. If the connection breaks before
   * the answer, the call is sent again with the same id, and the room does not run it twice. With a server of protocol
   * 1 the call fails with `closed` instead.
   *
   * @throws CallError with the code and the issues of the refusal, or with `timeout`, `overflow` or `closed`
   * @example
   * const count = await game.call("increment");
   */
  call<K extends ActionName<R>>(action: K, ...value: ActionArguments<R, K>): Promise<ActionResult<R, K>>;
  /**
   * Calls an action and shows its expected effect at once. The prediction is dropped when the action fails, or when the
   * state from the room includes the effect.
   *
   * @param apply returns the expected state without changing its argument. It runs again for each new state, and may
   * run once on a state that already includes the action. So set a value instead of adding to it
   * @throws CallError as {@link RoomClient.call}; and whatever `apply` throws for the current state, in which case
   * nothing is sent
   * @example
   * await game.optimistic("rename", "Ada", (state) => ({ ...state, name: "Ada" }));
   */
  optimistic<K extends ActionName<R>>(
    action: K,
    value: ActionArguments<R, K>[0],
    apply: (state: ClientState<R>) => ClientState<R>,
  ): Promise<ActionResult<R, K>>;
  /**
   * Calls a listener for each event of a type: an event of the client itself ({@link ClientEvents}), or a packet of the
   * room. If the definition declares `events`, only these types are accepted. For a packet of the room, the second
   * argument is the whole packet.
   *
   * @returns a function that removes the listener
   * @example
   * game.on("error", ({ code, message }) => console.error(code, message));
   */
  on<E extends keyof (ClientEvents & RoomEvents<R>)>(
    type: E,
    listener: (
      value: E extends keyof ClientEvents ? ClientEvents[E] : RoomEvents<R>[E & keyof RoomEvents<R>],
      packet: E extends keyof ClientEvents ? undefined : ReceivedPacket,
    ) => void,
  ): () => void;
  /** Removes a listener of {@link RoomClient.on}. */
  off(type: string, listener: (value: never, packet: never) => void): void;
  /**
   * Sends numbered inputs now, in one frame. `predict` of `durable-rooms/netcode` calls it.
   *
   * @param seen the tick at which other entries are displayed
   * @returns false if there is no connection. Nothing was sent then
   */
  sendInputs(name: string, inputs: readonly NumberedInput[], seen?: number): boolean;
  /** Calls a listener whenever the state changes. @returns a function that removes the listener */
  subscribe(listener: (state: ClientState<R>) => void): () => void;
  /**
   * Calls a listener whenever the selected part of the state changes, compared with `Object.is`.
   *
   * @returns a function that removes the listener
   * @example
   * game.select((state) => state.count, (count) => console.log(count));
   */
  select<T>(selector: (state: ClientState<R>) => T, listener: (part: T) => void): () => void;
  /** Closes the connection. The client does not reconnect. */
  close(): void;
}

/** Another name of {@link RoomClient}. */
export type ClientOf<R extends AnyRoom> = RoomClient<R>;
