import { promiseOf } from "../protocol/values.ts";
import type { LogEntry, LogLevel } from "./ports.ts";

/** The log of a service. */
export interface Log {
  (entry: LogEntry): void;
  /** Whether every action and request is logged. */
  readonly isVerbose: boolean;
}

/** All levels, the least important first. */
export const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/**
 * Makes the log of a service. Errors of the logger itself are written to the console.
 * @param level entries below this level are dropped
 */
export function createLog(write: (entry: LogEntry) => unknown = toConsole, level: LogLevel = "warn"): Log {
  const least = LEVELS.indexOf(level);
  const failed = (error: unknown) => toConsole({ level: "error", event: "log_failed", error: causeOf(error) });
  const log = (entry: LogEntry): void => {
    if (LEVELS.indexOf(entry.level) < least) return;
    try {
      promiseOf(write(entry))?.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
  return Object.assign(log, { isVerbose: least === 0 });
}

/** Describes what was thrown, for the log. Handlers may throw anything, even something that has no text. */
export function causeOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? (thrown.stack ?? thrown.message) : thrown);
  } catch {
    return "Something was thrown that has no text";
  }
}

function toConsole(entry: LogEntry): void {
  console[entry.level](JSON.stringify(entry));
}
