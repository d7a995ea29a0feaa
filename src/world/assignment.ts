/** The party whose rooms a World spreads over shards. */
export const PARTY = "main";

/** What a shard serves, as its World assigns it. Plain data: it crosses between objects, and between deploys. */
export interface Assignment {
  readonly shardId: string;
  readonly worldId: string;
  /** The party of the room. */
  readonly party: string;
  /** The room whose clients the shard holds. */
  readonly roomId: string;
  /** Sockets at most: the next one is refused with 4503. */
  readonly capacity: number;
  /** Takes no new clients. */
  readonly draining: boolean;
}

/** Where a new object is to run: https://developers.cloudflare.com/durable-objects/reference/data-location/ */
export const LOCATION_HINTS = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "apac-ne",
  "apac-se",
  "oc",
  "afr",
  "me",
] as const;
export type LocationHint = (typeof LOCATION_HINTS)[number];
