import type { Build } from "../protocol/build.ts";
import { QUOTA_WAIT, quotaIn } from "../protocol/quota.ts";
import { promiseOf } from "../protocol/values.ts";
import type { LogEntry, LogLevel } from "./ports.ts";

/** The log of a service. */
export interface Log {
  (entry: LogEntry): void;
  /** Whether every action and request is logged. */
  readonly isVerbose: boolean;
}

/** All levels, least important first. */
export const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/**
 * Makes the log of a service. Errors of the logger itself are written to the console. An exceeded quota of the platform
 * is logged once in ten minutes, whatever fails because of it.
 * @param level entries below this level are dropped
 */
export function createLog(write: (entry: LogEntry) => unknown = toConsole, level: LogLevel = "warn"): Log {
  const least = LEVELS.indexOf(level);
  const once = onePerQuota();
  const failed = (error: unknown) => toConsole({ level: "error", event: "log_failed", error: causeOf(error) });
  const log = (entry: LogEntry): void => {
    if (LEVELS.indexOf(entry.level) < least) return;
    const shown = once(entry);
    if (!shown) return;
    try {
      promiseOf(write(shown))?.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
  return Object.assign(log, { isVerbose: least === 0 });
}

/** @returns a function that returns the entry to write, or undefined if an earlier entry says the same */
function onePerQuota(): (entry: LogEntry) => LogEntry | undefined {
  const saidAt = new Map<string, number>();
  return (entry) => {
    const quota = entry.error === undefined ? undefined : quotaIn(entry.error);
    if (quota === undefined) return entry;
    const now = Date.now();
    if (now - (saidAt.get(quota) ?? -Infinity) < QUOTA_WAIT * 1000) return undefined;
    saidAt.set(quota, now);
    return { ...entry, event: "over_quota", quota, failed: entry.event };
  };
}

/** Describes a thrown value for the log. Handlers may throw anything, even a value that cannot be converted to text. */
export function causeOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? (thrown.stack ?? thrown.message) : thrown);
  } catch {
    return "An error without text was thrown";
  }
}

function toConsole(entry: LogEntry): void {
  const isDevelopment = (globalThis as Build).process?.env?.NODE_ENV === "development";
  console[entry.level](isDevelopment ? readable(entry) : JSON.stringify(entry));
}

/** Formats an entry for a terminal: development servers map the lines of its stack to the sources. */
function readable(entry: LogEntry): string {
  const { level: _, event, party, room, error, hint, ...others } = entry;
  const where = room === undefined ? "" : ` in ${party}/${room}`;
  const details = Object.keys(others).length === 0 ? "" : ` ${JSON.stringify(others)}`;
  const lines = [error, hint].filter((text) => typeof text === "string");
  return [`durable-rooms: ${event}${where}${details}`, ...lines].join("\n");
}
