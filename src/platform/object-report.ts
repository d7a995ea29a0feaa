import { costPerHour } from "./cost.ts";
import type { Cause, Counts } from "./counts.ts";
import type { FlowControl } from "./flow-control.ts";
import type { FlowReport, LoggedError, ObjectMetrics, Overview, Reason } from "./metrics.ts";
import type { LogEntry } from "./ports.ts";
import { hide } from "./private.ts";
import type { IsPrivate } from "./private.ts";

/** The number of errors that are kept, and their maximum length in characters. */
const MOST_ERRORS = 50;
const LONGEST_ERROR = 500;

/** What an object has measured. */
export interface Measured {
  readonly at: number;
  readonly wokeAt: number;
  readonly wokenBy: Cause | undefined;
  /** What keeps it awake, in the order in which it began. */
  readonly awake: readonly Omit<Reason, "count">[];
  readonly sinceWake: Counts;
  readonly totals: Counts;
  readonly countedSince: number;
}

type Flows = Pick<FlowControl, "bytes" | "silent" | "stopped" | "merges" | "closed">;

/** The parts of a room that its overview is made from. */
export interface Overviewed {
  readonly connections: { readonly size: number; readonly userCount: number };
  readonly sessions: { all(): Iterable<unknown> };
  readonly schedules: { list(): readonly { readonly name: string; readonly at: number }[] };
  readonly flows: Flows;
  readonly shardLinks: { all(): Iterable<{ readonly shardId: string; readonly size: number }> };
}

/** Reports of an object to operators. A Worker without operators does not contain it. */
export class ObjectReport {
  readonly overviewOf = overviewOf;
  readonly #errors: LoggedError[] = [];
  #storedCount = 0;

  /**
   * Keeps an entry of the log for a while if it is an error or a warning.
   * @param isPrivate checked now, since the session may end later
   */
  note({ level, event, action, connection, code, error }: LogEntry, at: number, isPrivate: IsPrivate): void {
    if (level !== "error" && level !== "warn") return;
    this.#errors.push({ at, event, action, connection, code, error: error && shown(error, isPrivate) });
    if (this.#errors.length > MOST_ERRORS) this.#errors.shift();
  }

  /** These counts were stored. */
  stored(counts: Counts): void {
    this.#storedCount = countOf(counts);
  }

  /** Whether nothing was counted since. */
  isStored(counts: Counts): boolean {
    return countOf(counts) === this.#storedCount;
  }

  of(measured: Measured): Omit<ObjectMetrics, "party" | "room" | "connections" | "runtime"> {
    const { at, wokeAt, wokenBy = "metrics", awake, sinceWake, totals, countedSince } = measured;
    const cost = { now: costPerHour(sinceWake, at - wokeAt), average: costPerHour(totals, at - countedSince) };
    return {
      at,
      wokeAt,
      wokenBy,
      awake: grouped(awake),
      sinceWake,
      totals,
      countedSince,
      cost,
      errors: this.#errors,
    };
  }
}

function grouped(reasons: Measured["awake"]): Reason[] {
  const kinds = Map.groupBy(reasons, ({ why }) => why);
  // The kinds are in the order in which they began.
  return Array.from(kinds, ([why, [first, ...others]]) => ({
    why,
    since: first?.since ?? 0,
    count: 1 + others.length,
  }));
}

/** The first line of an error without private ids, since handlers may put anything into it. */
function shown(error: string, isPrivate: IsPrivate): string {
  const [line = ""] = error.split("\n", 1);
  return hide(line.slice(0, 2 * LONGEST_ERROR), isPrivate).slice(0, LONGEST_ERROR);
}

/**
 * How many users and connections a room has. Payloads of schedules are left out, since operators who see numbers may
 * not see them.
 */
export function overviewOf({ connections, sessions, schedules, flows, shardLinks }: Overviewed): Overview {
  return {
    connections: connections.size,
    users: connections.userCount,
    sessions: [...sessions.all()].length,
    schedules: schedules.list().map(({ name, at }) => ({ name, at })),
    ...reportOf(flows),
    shards: Array.from(shardLinks.all(), ({ shardId: id, size }) => ({ id, connections: size })),
  };
}

/** How far clients are behind. */
export function reportOf({ bytes, silent, stopped, merges, closed }: Flows): FlowReport {
  return { unconfirmedBytes: bytes + silent, behind: stopped, merges, tooSlow: closed };
}

/** The sum of all counters. It grows whenever anything is counted. */
function countOf(counts: object): number {
  const values = Object.values(counts) as (number | object)[];
  return values.reduce<number>((total, value) => total + (typeof value === "number" ? value : countOf(value)), 0);
}
