/** The party whose rooms a World distributes over shards. */
export const PARTY = "main";

/** The assignment of a shard by its World. Plain data: it is sent between objects, and between versions. */
export interface Assignment {
  readonly shardId: string;
  readonly worldId: string;
  /** The party of the room. */
  readonly party: string;
  /** The room whose clients the shard holds. */
  readonly roomId: string;
  /** The maximum number of connections. Further ones are refused with 4503. */
  readonly capacity: number;
  /** Takes no new clients. */
  readonly draining: boolean;
}

/** The regions for new objects: https://developers.cloudflare.com/durable-objects/reference/data-location/ */
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
