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
 * Makes the log of a service. A logger that throws harms nobody.
 * @param level what is worth less is dropped
 */
export function createLog(write = toConsole, level: LogLevel = "warn"): Log {
  const least = LEVELS.indexOf(level);
  const log = (entry: LogEntry): void => {
    if (LEVELS.indexOf(entry.level) < least) return;
    try {
      write(entry);
    } catch (error) {
      toConsole({ level: "error", event: "log_failed", error: causeOf(error) });
    }
  };
  return Object.assign(log, { isVerbose: least === 0 });
}

/** What was thrown, as a line of the log has it. */
export function causeOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

function toConsole(entry: LogEntry): void {
  console[entry.level](JSON.stringify(entry));
}
