import type { Cost } from "./cost.ts";
import type { Cause, Counts } from "./counts.ts";
import type { LogEntry } from "./ports.ts";

/** Something that keeps an object from sleep. */
export interface Reason {
  readonly why: string;
  /** Since when the first of its kind does, in ms since 1970. */
  readonly since: number;
  /** How many of the kind there are. */
  readonly count: number;
}

/** A line of the log that says what went wrong, without the stack. */
export interface LoggedError extends Pick<LogEntry, "event" | "action" | "connection" | "code" | "error"> {
  readonly at: number;
}

/** What any object says of itself. Times are in ms since 1970. */
export interface ObjectMetrics {
  readonly party: string;
  readonly room: string;
  /** When this was said. */
  readonly at: number;
  readonly connections: number;
  /** When it came into memory, and what for. */
  readonly wokeAt: number;
  readonly wokenBy: Cause;
  /** What keeps it from sleep right now; nothing, if it may sleep. */
  readonly awake: readonly Reason[];
  /** What it counted since it woke. */
  readonly sinceWake: Counts;
  /** And in all since `countedSince`, as far as that is stored. */
  readonly totals: Counts;
  readonly countedSince: number;
  /** Dollars an hour: as it goes since it woke, and on average. */
  readonly cost: { readonly now: Cost; readonly average: Cost };
  /** What went wrong since it woke; the latest last. */
  readonly errors: readonly LoggedError[];
}

/** What a room knows of who is in it. */
export interface Overview {
  /** Open connections, those at shards too. */
  readonly connections: number;
  /** Distinct users who are online. */
  readonly users: number;
  /** Sessions that are remembered. */
  readonly sessions: number;
  readonly schedules: readonly { readonly name: string; readonly at: number }[];
  readonly shards: readonly { readonly id: string; readonly connections: number }[];
}

/** What a room answers to `GET /parties/:party/:room/$metrics`. One that cannot start has no overview. */
export type RoomMetrics = ObjectMetrics & Partial<Overview>;

/** What a shard answers. */
export interface ShardMetrics extends ObjectMetrics {
  readonly shard: string;
}
