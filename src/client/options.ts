import type { AnyRoom, DefinedRoom } from "../define/room.ts";
import type { SchemaInput, StandardSchema } from "../define/standard-schema.ts";

/** Options of the WebSocket and of reconnecting. Times are in ms. */
export interface SocketOptions {
  /** `"ws"` or `"wss"`. Default: that of `host`; without one `"wss"`, or `"ws"` for your own machine and network. */
  readonly protocol?: "ws" | "wss";
  /** The timeout of one attempt to connect, in ms. Default 4000. */
  readonly connectionTimeout?: number;
  /**
   * The delay before the first attempt to reconnect, in ms. Default: random, from 500 to 1500. A large room makes its
   * clients wait longer.
   */
  readonly minReconnectionDelay?: number;
  /** The longest delay between two attempts, in ms. Default 10,000. */
  readonly maxReconnectionDelay?: number;
  /** The factor by which each delay is longer than the previous one. Default 1.3. */
  readonly reconnectionDelayGrowFactor?: number;
  /** How long a connection has to last before the delays start again from the shortest, in ms. Default 5000. */
  readonly minUptime?: number;
  /** The WebSocket class. Default: the global one. */
  readonly WebSocket?: new (url: string) => object;
}

/** A storage for the private id, such as `AsyncStorage` of React Native. If it throws, the client uses a new id. */
export interface IdStorage {
  getItem(key: string): string | null | undefined | Promise<string | null | undefined>;
  setItem(key: string, value: string): unknown;
}

/** Options of both {@link connectRoom} and {@link connectWorld}. */
export interface CommonOptions {
  /**
   * The host of the service: `example.com` or `localhost:8787`, or `example.com/game` if its app is mounted below a
   * path. Start it with `http://` to connect without TLS. Without a scheme, TLS is not used for hosts of your own
   * machine or network (`localhost`, `192.168.…`), nor for the host of a page that was loaded without TLS. Required.
   */
  readonly host: string;
  /**
   * The private session id, of 1 to 256 characters. A client with the same id is the same user, so keep it secret.
   * Default: from `storage`, or else a new one.
   */
  readonly id?: string;
  /**
   * Where the client keeps its private id, so that the user stays the same after a reload: `"session"` for one tab and
   * its duplicates, `"local"` for all tabs of the browser, `separateTabs` for each tab on its own, or your own storage.
   * Each service has its own id. If nothing can be stored, the id is new each time. It is not used together with `id`.
   * Default: the id is not kept.
   */
  readonly storage?: "session" | "local" | IdStorage;
  /** The JWT, or a function that returns one, which is called for each attempt to connect. Default: none. */
  readonly token?: string | (() => string | Promise<string>);
  /**
   * The token of `room.sessionTransfer`. It needs the `id` or the `storage` of the session that was transferred.
   * Default: none.
   */
  readonly transferToken?: string;
  /**
   * How long a call waits for its answer, in ms, including the time without a connection. Use at least 7,000, so that
   * the client can find out that a connection is dead and send the call again. Default 10,000.
   */
  readonly callTimeout?: number;
  /**
   * How long a message waits for others, in ms. Messages that wait are sent in one frame, which Cloudflare bills as one
   * message. With 0, messages of one task (up to its end or its first `await`) share a frame. Default 0.
   */
  readonly batch?: number;
  /**
   * Whether the room may send binary frames, which are smaller. With false all frames are JSON, which browsers'
   * developer tools show. Default true.
   */
  readonly binary?: boolean;
  /** Options of the WebSocket and of reconnecting. Default: those of {@link SocketOptions}. */
  readonly socket?: SocketOptions;
}

type JoinSchema<R extends AnyRoom> = NonNullable<R["types"]>["join"];
/** What the client itself reads. */
export type AnyJoin = JoinOptions<AnyRoom>;
/** A value, or a function that returns it for each attempt to connect. */
export type Given<T> = T | (() => T | Promise<T>);

/**
 * The options for the value that a room asks for: `params`, of the input type of the definition's `join` schema, or a
 * function that returns it, which is called for each attempt to connect. It is part of the URL, so it must not contain
 * secrets. A room without that schema takes none.
 *
 * With `spectator: true` the client only watches, if the definition allows spectators. It then need not give `params`.
 * Default false.
 */
export type JoinOptions<R extends AnyRoom = Undemanding> =
  JoinSchema<R> extends StandardSchema
    ? | (Params<SchemaInput<JoinSchema<R>>> & { readonly spectator?: false })
      | (Partial<Params<SchemaInput<JoinSchema<R>>>> & { readonly spectator: true })
    : { readonly params?: JoinSchema<R>; readonly spectator?: boolean };
type Params<T> = undefined extends T ? { readonly params?: Given<T> } : { readonly params: Given<T> };

/** A room without a `join` schema. */
type Undemanding = DefinedRoom<unknown, unknown, unknown, unknown, undefined>;

/** The options of {@link connectRoom}. R: the room definition, if it has a `join` schema. */
export type ConnectOptions<R extends AnyRoom = Undemanding> = RoomOptions & JoinOptions<R>;
/** The options of {@link connectWorld}. R: the room definition, if it has a `join` schema. */
export type WorldOptions<R extends AnyRoom = Undemanding> = ShardOptions & JoinOptions<R>;

/** The options of {@link connectRoom}, without those for `join`. */
export interface RoomOptions extends CommonOptions {
  /**
   * The room's id, or a function that finds it, for example with {@link findRoom}. The function is called until a room
   * accepts the client, and again if the room is full (4503). Required.
   */
  readonly room: string | (() => string | Promise<string>);
  /** The room's party. Default `"main"`. */
  readonly party?: string;
}

/** The options of {@link connectWorld}, without those for `join`. */
export interface ShardOptions extends CommonOptions {
  /** The room's id. Required. */
  readonly room: string;
  /** The World's id. Default `"world-default"`. */
  readonly worldId?: string;
}
