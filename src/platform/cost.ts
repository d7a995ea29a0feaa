import type { Counts } from "./counts.ts";

/**
 * Prices in dollars on the paid plan, without the included usage. 20 messages received over WebSockets count as one
 * request, and sent messages are free. An idle object that can hibernate costs nothing, even before it hibernates.
 * https://developers.cloudflare.com/durable-objects/platform/pricing/, as of November 2026
 */
const PRICES = { request: 0.15e-6, gigabyteSecond: 12.5e-6, rowWritten: 1e-6, rowRead: 0.001e-6 };
const MESSAGES_PER_REQUEST = 20;
/** Each object is billed for 128 MB. */
const GIGABYTES = 0.128;
const HOUR = 3_600_000;
/** The shortest time, in ms, from which the cost of an hour is computed. */
const LEAST = 60_000;

/** Costs in dollars. */
export interface Cost {
  /** HTTP requests, messages, calls and alarms. */
  readonly requests: number;
  /** The time that the object was awake. */
  readonly duration: number;
  /** Rows read and written. */
  readonly rows: number;
  /** The sum of the others. */
  readonly total: number;
}

export function costOf(counts: Counts): Cost {
  const { messages, requests: asked, calls, alarms, awakeMs, rowsWritten, rowsRead } = counts;
  const requests = (messages / MESSAGES_PER_REQUEST + asked + calls + alarms) * PRICES.request;
  const duration = (awakeMs / 1000) * GIGABYTES * PRICES.gigabyteSecond;
  const rows = rowsWritten * PRICES.rowWritten + rowsRead * PRICES.rowRead;
  return { requests, duration, rows, total: requests + duration + rows };
}

/**
 * Computes the cost of an hour at the same rate.
 * @param ms the time in which `counts` were counted; at least a minute is used
 */
export function costPerHour(counts: Counts, ms: number): Cost {
  const hours = Math.max(ms, LEAST) / HOUR;
  const { requests, duration, rows, total } = costOf(counts);
  return { requests: requests / hours, duration: duration / hours, rows: rows / hours, total: total / hours };
}
