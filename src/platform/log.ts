import type { LogEntry, LogLevel } from "./ports.ts";

/** Where the lines of a service go. */
export interface Log {
  (entry: LogEntry): void;
  /** Whether every action and request is worth a line. */
  readonly isVerbose: boolean;
}

/** From what is worth least. */
export const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/**
 * Makes the log of a service. A logger that throws, or whose promise is rejected, harms nobody.
 * @param level what is worth less is dropped
 */
export function createLog(write: (entry: LogEntry) => unknown = toConsole, level: LogLevel = "warn"): Log {
  const least = LEVELS.indexOf(level);
  const failed = (error: unknown) => toConsole({ level: "error", event: "log_failed", error: causeOf(error) });
  const log = (entry: LogEntry): void => {
    if (LEVELS.indexOf(entry.level) < least) return;
    try {
      const outcome = write(entry);
      if (outcome instanceof Promise) outcome.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
  return Object.assign(log, { isVerbose: least === 0 });
}

/** What was thrown, as a line of the log has it. A handler may throw anything, what a client sent among it. */
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
