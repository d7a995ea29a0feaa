import type { Cost } from "./cost.ts";
import type { Cause, Counts } from "./counts.ts";
import type { LogEntry } from "./ports.ts";

/** Something that keeps an object awake. */
export interface Reason {
  readonly why: string;
  /** When the first of this kind began, in ms since 1970. */
  readonly since: number;
  /** How many of this kind there are. */
  readonly count: number;
}

/** An error in the log, without its stack. */
export interface LoggedError extends Pick<LogEntry, "event" | "action" | "connection" | "code" | "error"> {
  readonly at: number;
}

/** The code that an object runs. */
export interface RuntimeReport {
  /** The id of the deployed version. Null if the Worker has no `version_metadata` binding named CF_VERSION_METADATA. */
  readonly deploy: string | null;
  /** Settings that are missing in `wrangler.toml`, as far as the runtime can tell. */
  readonly missing: readonly string[];
}

/** The metrics of an object. Times are in ms since 1970. */
export interface ObjectMetrics {
  /** The party of the room. */
  readonly party: string;
  /** The id of the room. */
  readonly room: string;
  /** When the metrics were read. */
  readonly at: number;
  /** Open connections. */
  readonly connections: number;
  /** When the object woke. */
  readonly wokeAt: number;
  /** The event that woke it. */
  readonly wokenBy: Cause;
  /** What keeps the object awake now. Empty if it can hibernate. */
  readonly awake: readonly Reason[];
  /** The counts since it woke. */
  readonly sinceWake: Counts;
  /** The counts since `countedSince`. Counts that were not stored before a crash are missing. */
  readonly totals: Counts;
  /** When the totals began. */
  readonly countedSince: number;
  /** The cost in dollars per hour: since it woke (`now`), and since `countedSince` (`average`). */
  readonly cost: { readonly now: Cost; readonly average: Cost };
  /** The errors since it woke, up to 50, latest last. */
  readonly errors: readonly LoggedError[];
  /** The code that the object runs. */
  readonly runtime: RuntimeReport;
}

/** The clients and users of a room. */
export interface Overview extends FlowReport {
  /** Open connections, including those at shards. */
  readonly connections: number;
  /** Distinct users online. */
  readonly users: number;
  /** Sessions that are stored. */
  readonly sessions: number;
  /** The scheduled tasks. `at` is in ms since 1970. */
  readonly schedules: readonly { readonly name: string; readonly at: number }[];
  /** The shards of the room, with their open connections. */
  readonly shards: readonly { readonly id: string; readonly connections: number }[];
}

/** How far the clients of an object's own WebSockets are behind. */
export interface FlowReport {
  /** The bytes that were sent and have not been confirmed. */
  readonly unconfirmedBytes: number;
  /** Clients that are sent nothing until they confirm. */
  readonly behind: number;
  /** How often a client that was behind got one merged packet, since the object woke. */
  readonly merges: number;
  /** How many clients were closed with `too_slow`, since the object woke. */
  readonly tooSlow: number;
}

/** The answer of `GET /parties/:party/:room/$metrics`. A room that cannot start has no overview. */
export type RoomMetrics = ObjectMetrics & Partial<Overview>;

/** The answer of `GET /parties/shard/:shard/$metrics`. */
export interface ShardMetrics extends ObjectMetrics, Partial<FlowReport> {
  /** The id of the shard. */
  readonly shard: string;
}
