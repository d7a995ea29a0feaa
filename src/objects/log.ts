import type { LogEntry } from "../room/ports.ts";

/** Writes a line of the log, as one JSON object. */
export function log({ level, ...entry }: LogEntry): void {
  console[level](JSON.stringify({ level, ...entry }));
}
