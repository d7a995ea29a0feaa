import type { Cost } from "./cost.ts";
import type { Cause, Counts } from "./counts.ts";
import type { LogEntry } from "./ports.ts";

/** Something that keeps an object from sleep. */
export interface Reason {
  readonly why: string;
  /** When the first of its kind began, in ms since 1970. */
  readonly since: number;
  /** How many of the kind there are. */
  readonly count: number;
}

/** An error in the log, without its stack. */
export interface LoggedError extends Pick<LogEntry, "event" | "action" | "connection" | "code" | "error"> {
  readonly at: number;
}

/** The code that runs a Worker or an object, and how. */
export interface RuntimeReport {
  /** The id of the deployed version, if the Worker has a `version_metadata` binding with the name CF_VERSION_METADATA. */
  readonly deploy: string | null;
  /** What is missing in `wrangler.toml`, as far as the runtime tells. */
  readonly missing: readonly string[];
}

/** The metrics of any object. Times are in ms since 1970. */
export interface ObjectMetrics {
  readonly party: string;
  readonly room: string;
  /** When the metrics were read. */
  readonly at: number;
  readonly connections: number;
  /** When it came into memory, and what caused that. */
  readonly wokeAt: number;
  readonly wokenBy: Cause;
  /** What keeps it from sleep right now; empty if it may sleep. */
  readonly awake: readonly Reason[];
  /** What it counted since it woke. */
  readonly sinceWake: Counts;
  /** All counts since `countedSince`. A crash loses the counts that were not stored. */
  readonly totals: Counts;
  readonly countedSince: number;
  /** Dollars an hour: since it woke, and on average. */
  readonly cost: { readonly now: Cost; readonly average: Cost };
  /** Errors since it woke; the latest last. */
  readonly errors: readonly LoggedError[];
  readonly runtime: RuntimeReport;
}

/** How many clients and users a room has. */
export interface Overview extends FlowReport {
  /** Open connections, those at shards too. */
  readonly connections: number;
  /** Distinct users who are online. */
  readonly users: number;
  /** Sessions that are remembered. */
  readonly sessions: number;
  readonly schedules: readonly { readonly name: string; readonly at: number }[];
  readonly shards: readonly { readonly id: string; readonly connections: number }[];
}

/** How far clients of an object's own sockets are behind. */
export interface FlowReport {
  /** The bytes that they were sent and have not confirmed. */
  readonly unconfirmedBytes: number;
  /** Clients that are sent nothing, since they do not confirm. */
  readonly behind: number;
  /** Since the object woke: how often a client got in one packet what it missed, and how many were closed. */
  readonly merges: number;
  readonly tooSlow: number;
}

/** The answer of a room to `GET /parties/:party/:room/$metrics`. A room that cannot start has no overview. */
export type RoomMetrics = ObjectMetrics & Partial<Overview>;

/** The same answer of a shard. */
export interface ShardMetrics extends ObjectMetrics, Partial<FlowReport> {
  readonly shard: string;
}
