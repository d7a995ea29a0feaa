import { causeOf } from "../platform/log.ts";
import type { Log } from "../platform/log.ts";
import type { LogEntry } from "../platform/ports.ts";

/** Logs a failure of a World. The entry must not contain anything from a client except ids. */
export function logFailure(log: Log, event: string, world: string, details: Partial<LogEntry>, error?: unknown): void {
  const cause = error === undefined ? {} : { error: causeOf(error) };
  log({ level: "error", event, party: "world", room: world, code: "internal", world, ...details, ...cause });
}
