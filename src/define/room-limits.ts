/** How many messages may be sent in a time. */
export interface RateLimit {
  readonly messages: number;
  /** ms */
  readonly per: number;
}

/** Limits and times of a room, and how it works. Each of these options has a default. */
export interface RoomLimits {
  /** The most distinct users who are online at once; the next one is closed with 4503. Default: no limit. */
  readonly maxUsers?: number;
  /**
   * Connections of one user at once, say tabs; the next one is closed with 4429, and is not tried again. Default 16.
   */
  readonly maxConnectionsPerUser?: number;
  /** Least time between sync packets in ms; 0 = one for each turn of the event loop. Default `"auto"`. */
  readonly throttleSync?: number | "auto";
  /** Longest time in ms that a change stays unsaved; 0 = durable before anything is sent. Default 1000. */
  readonly throttleStorage?: number;
  /** Whether the object may sleep while its sockets stay open. Default true. */
  readonly hibernate?: boolean;
  /** How long in ms a disconnected user is kept. Default 300,000. */
  readonly sessionExpiryTime?: number;
  /**
   * The most disconnected users that are kept. Beyond, those without a token of whom no action ever ran are removed
   * early, then those who left first. Default 10,000.
   */
  readonly maxOfflineSessions?: number;
  /** How long in ms after the last connection has closed the room is destroyed. Default: never. */
  readonly expireAfter?: number;
  /** How long in ms the token of a `sessionTransfer` works. A place is kept as long, but for 30 s at most. Default 300,000. */
  readonly transferExpiryTime?: number;
  /**
   * How long in ms an action may take before its client is told `timeout`, and its next message is handled; up to an hour.
   * What it does afterwards counts all the same. Default 30,000.
   */
  readonly actionTimeout?: number;
  /** Whether changes are sent automatically; if not, `room.applySync()` sends them. Default true. */
  readonly autoSync?: boolean;
  /** How many messages a connection may send in a time (ms). Default 500 in 1000. */
  readonly rateLimit?: RateLimit;
  /** Sockets that may connect from one address in a time (ms). Default 200 in 60,000. */
  readonly joinRate?: { readonly joins: number; readonly per: number };
  /** HTTP requests from one address in a time (ms). Default 300 in 10,000. */
  readonly requestRate?: { readonly requests: number; readonly per: number };
  /** Largest message of a client in bytes. Default 65,536. */
  readonly maxMessageBytes?: number;
  /**
   * The most bytes that all clients of one object, the room or a shard of it, were sent and have not confirmed: what a client
   * does not read takes memory of the object, which has 128 MB. At least 10,000. Default 32,000,000.
   */
  readonly maxUnconfirmedBytes?: number;
  /**
   * The most bytes that all clients of one object that speak the first protocol may be sent without a message or a ping from
   * them. Beyond, the one that was sent most is closed with 4504, and may come back. They cannot confirm, so this also closes
   * clients that only watch: by default there is no such bound. At least 10,000. Default Infinity.
   */
  readonly maxSilentBytes?: number;
  /**
   * Whether clients may join as spectators (`spectator: true` of `connectRoom`): they see what everyone may see, have no user,
   * take no place of `maxUsers`, and may do nothing. Default false.
   */
  readonly spectators?: boolean;
  /** Whether a verified JWT is needed to connect, and for HTTP requests. Default `"optional"`. */
  readonly auth?: "required" | "optional";
}
