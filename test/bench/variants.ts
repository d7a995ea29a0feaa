import type { Place } from "./load/jobs.ts";
import type { Program } from "./servers.ts";

export const SERVERS = {
  limit: { kind: "workerd", file: "workers/limit.ts", objects: { ROOMS: "Room" } },
  rooms: { kind: "workerd", file: "workers/rooms.ts", objects: { ROOMS: "Room", WORLDS: "World", SHARDS: "Shard" } },
  signe: { kind: "workerd", file: "peers/signe-room.ts", objects: { ROOMS: "Room" } },
  partyserver: { kind: "workerd", file: "peers/partyserver.ts", objects: { MAIN: "Room" } },
  colyseus: { kind: "node", file: "peers/colyseus.ts" },
  grid: { kind: "workerd", file: "workers/crowd-by-hand.ts", objects: { ROOMS: "Room" } },
  crowd: { kind: "workerd", file: "workers/crowd.ts", objects: { ROOMS: "Room", WORLDS: "World", SHARDS: "Shard" } },
  split: {
    kind: "workerd",
    isSplit: true,
    file: "workers/crowd-split.ts",
    objects: { ROOMS: "Room", WORLDS: "World", SHARDS: "Shard" },
  },
  views: { kind: "node", file: "peers/colyseus-crowd.ts" },
} as const satisfies Record<string, Program>;
export type ServerName = keyof typeof SERVERS;

export interface Variant {
  readonly title: string;
  readonly server: ServerName;
  /** The prefix of its rooms' names, which selects how long they gather changes. */
  readonly prefix: string;
  /** The variant that its figures are divided by. */
  readonly baseline: "a" | "a50" | "agrid";
  readonly protocol?: Place["protocol"];
  /** The number of shards that its clients are distributed over. */
  readonly shards?: number;
  /** An addition to the query of its clients' URLs. */
  readonly query?: string;
  /** Whether its clients send several actions as an array in one frame. */
  readonly isBatched?: true;
}

const BINARY = "&protocol=2&protocol=3";

const ALL = {
  a: { title: "hand-written, at once: the limit", server: "limit", prefix: "0-", baseline: "a" },
  a50: { title: "hand-written, every 50 ms", server: "limit", prefix: "50-", baseline: "a50" },
  a50binary: {
    title: "hand-written, every 50 ms, binary",
    server: "limit",
    prefix: "50-",
    baseline: "a50",
    query: BINARY,
  },
  b0: { title: "durable-rooms, `throttleSync: 0`", server: "rooms", prefix: "0-", baseline: "a" },
  bauto: { title: 'durable-rooms, `"auto"` (default)', server: "rooms", prefix: "auto-", baseline: "a" },
  b50: { title: "durable-rooms, 50", server: "rooms", prefix: "50-", baseline: "a50" },
  b50binary: {
    title: "durable-rooms, 50, binary",
    server: "rooms",
    prefix: "50-",
    baseline: "a50",
    query: BINARY,
  },
  b50batch: {
    title: "durable-rooms, 50, several actions in a frame",
    server: "rooms",
    prefix: "50-",
    baseline: "a50",
    query: "&protocol=2",
    isBatched: true,
  },
  b0shards: { title: "durable-rooms, 0, 8 shards", server: "rooms", prefix: "0-s-", baseline: "a", shards: 8 },
  bautoshards: {
    title: 'durable-rooms, `"auto"`, 8 shards',
    server: "rooms",
    prefix: "auto-s-",
    baseline: "a",
    shards: 8,
  },
  b50shards: {
    title: "durable-rooms, 50, 8 shards",
    server: "rooms",
    prefix: "50-s-",
    baseline: "a50",
    shards: 8,
  },
  c: { title: "@signe/room 3.2.1", server: "signe", prefix: "0-", baseline: "a" },
  c50: { title: "@signe/room 3.2.1, 50", server: "signe", prefix: "50-", baseline: "a50" },
  d: { title: "partyserver 0.5", server: "partyserver", prefix: "0-", baseline: "a" },
  e: { title: "Colyseus 0.18 on Node, 50 ms", server: "colyseus", prefix: "", baseline: "a50", protocol: "colyseus" },
  agrid: { title: "hand-written with a grid, every 50 ms", server: "grid", prefix: "", baseline: "agrid" },
  bnear: { title: 'durable-rooms with `near()`, `"auto"`', server: "crowd", prefix: "auto-", baseline: "agrid" },
  bnear50: { title: "durable-rooms with `near()`, 50", server: "crowd", prefix: "50-", baseline: "agrid" },
  bnear50binary: {
    title: "durable-rooms with `near()`, 50, binary",
    server: "crowd",
    prefix: "50-",
    baseline: "agrid",
    query: "&protocol=2&protocol=3",
  },
  bnearshards: {
    title: 'durable-rooms with `near()`, `"auto"`, 14 shards in another process',
    server: "split",
    prefix: "auto-",
    baseline: "agrid",
    shards: 14,
  },
  eview: {
    title: "Colyseus 0.18 on Node with `StateView` and a grid, 50 ms",
    server: "views",
    prefix: "",
    baseline: "agrid",
    protocol: "colyseus",
  },
} as const satisfies Record<string, Variant>;
export type VariantName = keyof typeof ALL;
export const VARIANTS: Readonly<Record<VariantName, Variant>> = ALL;
