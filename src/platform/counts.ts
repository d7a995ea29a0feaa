import type { ErrorCode } from "../protocol/codes.ts";

/** What brought an object into memory. */
export type Cause = "message" | "request" | "alarm" | "call" | "close" | "metrics";

/** The counters of an object: whole numbers, which only grow. */
export interface Counts {
  /** Frames of clients that came in over sockets here, and their bytes. Pings that the runtime answers do not count. */
  messages: number;
  bytesIn: number;
  /** Frames that went out to clients over sockets here, and their bytes. */
  packets: number;
  bytesOut: number;
  /** Messages that a shard passed on. */
  relayed: number;
  /** HTTP requests, WebSocket upgrades among them. */
  requests: number;
  /** Calls of shards and other rooms. */
  calls: number;
  alarms: number;
  rowsRead: number;
  rowsWritten: number;
  /** Time in which something kept the object from sleep, in ms. */
  awakeMs: number;
  /** How often an object that had run before came into memory again, by cause. */
  wakes: Partial<Record<Cause, number>>;
  /** Refusals and failures, by code. */
  errors: Partial<Record<ErrorCode, number>>;
}

export function zero(): Counts {
  const traffic = { messages: 0, bytesIn: 0, packets: 0, bytesOut: 0, relayed: 0, requests: 0, calls: 0, alarms: 0 };
  return { ...traffic, rowsRead: 0, rowsWritten: 0, awakeMs: 0, wakes: {}, errors: {} };
}

/** Adds numbers by their names. One that is missing, as in what an older version stored, counts as 0. */
export function sum<T extends object>(a: T, b: T): T {
  const total = { ...a } as Record<string, unknown>;
  for (const [name, value] of Object.entries(b) as [string, number | object][]) {
    const known = total[name];
    total[name] = typeof value === "number" ? Number(known ?? 0) + value : sum(known ?? {}, value);
  }
  return total as T;
}
