import type { Counts } from "./counts.ts";

/**
 * Dollars, of the paid plan, without what is included in it. Received messages of sockets count as a twentieth of a
 * request, sent ones are free. An idle object that may sleep costs nothing, even before it does.
 * https://developers.cloudflare.com/durable-objects/platform/pricing/, as of November 2026
 */
const PRICES = { request: 0.15e-6, gigabyteSecond: 12.5e-6, rowWritten: 1e-6, rowRead: 0.001e-6 };
const MESSAGES_PER_REQUEST = 20;
/** Each object is billed for 128 MB. */
const GIGABYTES = 0.128;
const HOUR = 3_600_000;
/** A shorter time says little of an hour. */
const LEAST = 60_000;

/** Dollars, by what they are for. */
export interface Cost {
  readonly requests: number;
  readonly duration: number;
  readonly rows: number;
  readonly total: number;
}

/** What an object's counts cost. */
export function costOf(counts: Counts): Cost {
  const { messages, requests: asked, calls, alarms, awakeMs, rowsWritten, rowsRead } = counts;
  const requests = (messages / MESSAGES_PER_REQUEST + asked + calls + alarms) * PRICES.request;
  const duration = (awakeMs / 1000) * GIGABYTES * PRICES.gigabyteSecond;
  const rows = rowsWritten * PRICES.rowWritten + rowsRead * PRICES.rowRead;
  return { requests, duration, rows, total: requests + duration + rows };
}

/** What an hour costs that goes on as counted. @param ms the time that the counts are of; at least a minute is taken */
export function costPerHour(counts: Counts, ms: number): Cost {
  const hours = Math.max(ms, LEAST) / HOUR;
  const { requests, duration, rows, total } = costOf(counts);
  return { requests: requests / hours, duration: duration / hours, rows: rows / hours, total: total / hours };
}
