import type { PartySocketOptions } from "partysocket";

/** How the socket behaves. */
export interface SocketOptions extends Pick<
  PartySocketOptions,
  | "connectionTimeout"
  | "maxReconnectionDelay"
  | "minReconnectionDelay"
  | "minUptime"
  | "protocol"
  | "reconnectionDelayGrowFactor"
> {
  /** Default: the global one. */
  readonly WebSocket?: new (url: string) => object;
}

/** What {@link connectRoom} and {@link connectWorld} both take. */
export interface CommonOptions {
  /**
   * The service, as `example.com` or `localhost:8787`, or as `example.com/game` if its app is mounted below a path.
   * With `http://` before it, it is reached without TLS.
   */
  readonly host: string;
  /** The private session id: the same one again is the same user. Keep it, and keep it secret. Default: a new one. */
  readonly id?: string;
  /** The JWT. A function is asked anew for each attempt to connect. */
  readonly token?: string | (() => string | Promise<string>);
  /** The token of a session transfer. It needs `id`: that of the session which was transferred. */
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
  /** Delays between attempts, or a WebSocket implementation. */
  readonly socket?: SocketOptions;
}

/** What {@link connectRoom} takes. */
export interface ConnectOptions extends CommonOptions {
  /**
   * The room's id, or what finds it, as with {@link findRoom}: it is asked until a room lets the client in, and again
   * where one is full by then (4503).
   */
  readonly room: string | (() => string | Promise<string>);
  /** Default `main`. */
  readonly party?: string;
}

/** What {@link connectWorld} takes. */
export interface WorldOptions extends CommonOptions {
  /** The room's id. */
  readonly room: string;
  /** Default `world-default`. */
  readonly worldId?: string;
}
