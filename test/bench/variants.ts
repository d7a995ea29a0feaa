import type { Worker } from "./servers.ts";

/** The servers that are compared. */
export const SERVERS = {
  limit: { file: "limit.ts", objects: { ROOMS: "Room" } },
  rooms: { file: "rooms.ts", objects: { ROOMS: "Room", WORLDS: "World", SHARDS: "Shard" } },
} as const satisfies Record<string, Worker>;
export type ServerName = keyof typeof SERVERS;

export interface Variant {
  readonly title: string;
  readonly server: ServerName;
  /** What the names of its rooms begin with: so they say how long they gather changes. */
  readonly prefix: string;
  /** What its figures are divided by. */
  readonly baseline: "a" | "a50";
}

export const VARIANTS = {
  a: { title: "hand-written, no throttle: the limit", server: "limit", prefix: "0-", baseline: "a" },
  a50: { title: "hand-written, 50 ms", server: "limit", prefix: "50-", baseline: "a50" },
  b0: { title: "durable-rooms, 0", server: "rooms", prefix: "0-", baseline: "a" },
  bauto: { title: 'durable-rooms, "auto"', server: "rooms", prefix: "auto-", baseline: "a" },
  b50: { title: "durable-rooms, 50 ms", server: "rooms", prefix: "50-", baseline: "a50" },
} as const satisfies Record<string, Variant>;
export type VariantName = keyof typeof VARIANTS;
