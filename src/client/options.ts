import type { AnyRoom, DefinedRoom } from "../define/room.ts";
import type { SchemaInput, StandardSchema } from "../define/standard-schema.ts";

/** How the socket behaves. */
export interface SocketOptions {
  /** Default: that of `host`, or `wss`, except on your own machine and network. */
  readonly protocol?: "ws" | "wss";
  /** How long an attempt to connect may take, in ms. Default 4000. */
  readonly connectionTimeout?: number;
  /**
   * How long it waits before it tries again for the first time, in ms. Default: a random time from 500 to 1500. Clients of a
   * large room wait longer, as it tells them.
   */
  readonly minReconnectionDelay?: number;
  /** How long it waits at most, in ms. Default 10,000. */
  readonly maxReconnectionDelay?: number;
  /** How much longer each wait is than the one before. Default 1.3. */
  readonly reconnectionDelayGrowFactor?: number;
  /** How long a connection has to last so that the next wait is a short one again, in ms. Default 5000. */
  readonly minUptime?: number;
  /** Default: the global one. */
  readonly WebSocket?: new (url: string) => object;
}

/** A storage of your own for the private id, as `AsyncStorage` of React Native. What it throws is not heard. */
export interface IdStorage {
  getItem(key: string): string | null | undefined | Promise<string | null | undefined>;
  setItem(key: string, value: string): unknown;
}

/** What {@link connectRoom} and {@link connectWorld} both take. */
export interface CommonOptions {
  /**
   * The service, as `example.com` or `localhost:8787`, or as `example.com/game` if its app is mounted below a path.
   * With `http://` before it, it is reached without TLS. So it is without a scheme, if it is a host of your own machine or
   * network (`localhost`, `192.168.…`), or the one that a page was loaded from without TLS.
   */
  readonly host: string;
  /** The private session id: the same one again is the same user. Keep it, and keep it secret. Default: see `storage`. */
  readonly id?: string;
  /**
   * Where the client keeps its private id, so that a reload is the same user: `"session"` for the tab and its duplicates,
   * `"local"` for all tabs of the browser, `separateTabs` for each tab by itself, or a storage of your own. There is one id
   * for each service. Where nothing can be stored, it is a new one each time. Not used with `id`. Default: nowhere.
   */
  readonly storage?: "session" | "local" | IdStorage;
  /** The JWT. A function is asked anew for each attempt to connect. */
  readonly token?: string | (() => string | Promise<string>);
  /** The token of a session transfer. It needs the `id` or `storage` of the session which was transferred. */
  readonly transferToken?: string;
  /**
   * How long a call waits for its answer, in ms; the time without a connection counts. Default 10,000. With less than
   * 7,000 there may be no time to find that a connection is dead and to send the call again.
   */
  readonly callTimeout?: number;
  /**
   * How long a message waits for others, in ms: all of them are sent in one frame, which Cloudflare bills as one message.
   * Default 0: messages of one task, up to its end or its first `await`, are sent together. A room of an earlier
   * version gets each by itself.
   */
  readonly batch?: number;
  /**
   * Whether the room may send binary frames, which are smaller. Default true; with false all frames are JSON, which is
   * easier to read in a browser's developer tools.
   */
  readonly binary?: boolean;
  /** Delays between attempts, or a WebSocket implementation. */
  readonly socket?: SocketOptions;
}

type JoinSchema<R extends AnyRoom> = NonNullable<R["types"]>["join"];
/** What the client itself reads. */
export type AnyJoin = JoinOptions<AnyRoom>;
/** A value, or what makes one for each attempt to connect. */
type Given<T> = T | (() => T | Promise<T>);

/**
 * The input that a room asks for when a client joins: `params`, of the input type of the definition's `join` schema. A room
 * without that schema takes none. A function is called anew for each attempt to connect. Params are in the URL, so they must
 * not be secret. With
 * `spectator: true` the client only watches, if the definition allows that, and may leave `params` out.
 */
export type JoinOptions<R extends AnyRoom = Undemanding> =
  JoinSchema<R> extends StandardSchema
    ? | (Params<SchemaInput<JoinSchema<R>>> & { readonly spectator?: false })
      | (Partial<Params<SchemaInput<JoinSchema<R>>>> & { readonly spectator: true })
    : { readonly params?: JoinSchema<R>; readonly spectator?: boolean };
type Params<T> = undefined extends T ? { readonly params?: Given<T> } : { readonly params: Given<T> };

/** A room that asks nothing of those who join. */
type Undemanding = DefinedRoom<unknown, unknown, unknown, unknown, undefined>;

/** What {@link connectRoom} takes. R: the room's definition, if it asks something of those who join. */
export type ConnectOptions<R extends AnyRoom = Undemanding> = RoomOptions & JoinOptions<R>;
/** What {@link connectWorld} takes. R: the room's definition, if it asks something of those who join. */
export type WorldOptions<R extends AnyRoom = Undemanding> = ShardOptions & JoinOptions<R>;

/** Which room {@link connectRoom} connects to, and how. */
export interface RoomOptions extends CommonOptions {
  /**
   * The room's id, or what finds it, as with {@link findRoom}: it is asked until a room lets the client in, and again
   * where one is full by then (4503).
   */
  readonly room: string | (() => string | Promise<string>);
  /** Default `main`. */
  readonly party?: string;
}

/** Which room {@link connectWorld} connects to, and how. */
export interface ShardOptions extends CommonOptions {
  /** The room's id. */
  readonly room: string;
  /** Default `world-default`. */
  readonly worldId?: string;
}
