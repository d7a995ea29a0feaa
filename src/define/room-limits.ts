/** How many messages are allowed in a time. */
export interface RateLimit {
  /** The number of messages, at least 1. */
  readonly messages: number;
  /** The time in ms, at least 1. */
  readonly per: number;
}

/** Limits, times and modes of a room. All of them are optional. */
export interface RoomLimits {
  /**
   * How many distinct users may be online at the same time. Further users are closed with 4503, and their clients try
   * again. Default: no limit.
   */
  readonly maxUsers?: number;
  /**
   * How many connections one user may have, such as tabs. Further ones are closed with 4429, and their clients do not
   * try again. Default 16.
   */
  readonly maxConnectionsPerUser?: number;
  /**
   * The minimum time between two patches in ms, from 0 to 60,000. 0 sends one patch after each turn of the event loop.
   * `"auto"` grows with the number of connections, up to 40 ms, and of shards, up to 50 ms. Default `"auto"`.
   */
  readonly throttleSync?: number | "auto";
  /**
   * The maximum time that a change stays unsaved in ms, from 0 to 3,600,000. 0 stores each change before it is sent.
   * Default 1000.
   */
  readonly throttleStorage?: number;
  /** Whether the object may hibernate while its connections stay open. Default true. */
  readonly hibernate?: boolean;
  /**
   * How long the session and the entry of a disconnected user are kept, in ms. Afterwards `onExpire` runs, and the user
   * returns as a new user. Default 300,000 (5 minutes).
   */
  readonly sessionExpiryTime?: number;
  /**
   * How many disconnected users are kept. Beyond that, users without a token who never called an action are removed
   * first, then those who have been offline longest. Default 10,000.
   */
  readonly maxOfflineSessions?: number;
  /**
   * The time after which an empty room is destroyed, in ms since its last connection closed. At least 1000. Default:
   * never.
   */
  readonly expireAfter?: number;
  /**
   * How long a token of `room.sessionTransfer` is valid, in ms, at least 1000. The user's place is reserved for the
   * same time, but no longer than 30 s. Default 300,000 (5 minutes).
   */
  readonly transferExpiryTime?: number;
  /**
   * How long an action may run, in ms, from 1 to 3,600,000. Afterwards its client gets `timeout`, and the client's next
   * message is handled. The action itself is not stopped: its changes still count. Default 30,000.
   */
  readonly actionTimeout?: number;
  /** Whether changes are sent automatically. If false, `room.applySync()` sends them. Default true. */
  readonly autoSync?: boolean;
  /**
   * How many messages each connection may send in `per` ms. Further messages are refused with `rate_limited`; a client
   * that continues is closed with 4429. Default `{ messages: 500, per: 1000 }`.
   */
  readonly rateLimit?: RateLimit;
  /**
   * How many connections one address may open in `per` ms. Further ones are closed with 4503, and their clients try
   * again. Default `{ joins: 200, per: 60_000 }`.
   */
  readonly joinRate?: { readonly joins: number; readonly per: number };
  /**
   * How many HTTP requests one address may send in `per` ms. Further ones get 429 with `Retry-After`. Default `{
   * requests: 300, per: 10_000 }`.
   */
  readonly requestRate?: { readonly requests: number; readonly per: number };
  /**
   * The maximum size of a client's message or of a request body in bytes, up to 33,554,432. A larger message closes the
   * connection with 1009; a larger body gets 413. Default 65,536.
   */
  readonly maxMessageBytes?: number;
  /**
   * How many bytes the object may have sent to all of its clients without their confirmation. Unread packets take
   * memory of the object, which has 128 MB. Beyond this limit, clients with more than an equal share get nothing until
   * they confirm. The limit applies to the room and to each shard. At least 10,000. Default 32,000,000.
   */
  readonly maxUnconfirmedBytes?: number;
  /**
   * How many bytes all clients of protocol 1 of an object may be sent without a message or a ping from them. Beyond
   * this limit, the client with the most bytes is closed with 4504, and tries again. Protocol 1 has no confirmations,
   * so this also closes clients that only read. At least 10,000. Default Infinity.
   */
  readonly maxSilentBytes?: number;
  /**
   * Whether clients may connect as spectators (`spectator: true` of `connectRoom`). A spectator sees what is visible to
   * all, has no user, does not count for `maxUsers`, and cannot call actions. Default false.
   */
  readonly spectators?: boolean;
  /**
   * Whether connections and HTTP requests need a verified JWT. Without one, `"required"` refuses them as
   * `unauthenticated` (close code 4401, HTTP 401). Default `"optional"`.
   */
  readonly auth?: "required" | "optional";
}
