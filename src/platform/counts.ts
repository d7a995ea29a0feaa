import type { ErrorCode } from "../protocol/codes.ts";

/** The event that woke an object. */
export type Cause = "message" | "request" | "alarm" | "call" | "close" | "metrics";

/** The counters of an object: whole numbers that only grow. */
export interface Counts {
  /** Frames received from clients over WebSockets of this object, without pings that the runtime answers. */
  messages: number;
  /** The bytes of `messages`. */
  bytesIn: number;
  /** Frames sent to clients over WebSockets of this object. */
  packets: number;
  /** The bytes of `packets`. */
  bytesOut: number;
  /** Messages that a shard forwarded. */
  relayed: number;
  /** HTTP requests, including WebSocket upgrades. */
  requests: number;
  /** Calls from shards and other rooms. */
  calls: number;
  /** Alarms of the object. */
  alarms: number;
  /** Rows read from storage. */
  rowsRead: number;
  /** Rows written to storage. */
  rowsWritten: number;
  /** The time in which something kept the object awake, in ms. */
  awakeMs: number;
  /** How often the object woke after it had run before, by cause. */
  wakes: Partial<Record<Cause, number>>;
  /** Refusals and failures, by error code. */
  errors: Partial<Record<ErrorCode, number>>;
}

export function zero(): Counts {
  const traffic = { messages: 0, bytesIn: 0, packets: 0, bytesOut: 0, relayed: 0, requests: 0, calls: 0, alarms: 0 };
  return { ...traffic, rowsRead: 0, rowsWritten: 0, awakeMs: 0, wakes: {}, errors: {} };
}

/** Adds numbers by name. A missing number, which an older version did not store, counts as 0. */
export function sum<T extends object>(a: T, b: T): T {
  const total = { ...a } as Record<string, unknown>;
  for (const [name, value] of Object.entries(b) as [string, number | object][]) {
    const known = total[name];
    total[name] = typeof value === "number" ? Number(known ?? 0) + value : sum(known ?? {}, value);
  }
  return total as T;
}
