import { promiseOf } from "../../protocol/values.ts";
import type { CompiledRoom } from "../../define/room.ts";
import type { Connection } from "../../define/types.ts";
import { toRoomError } from "../../protocol/errors.ts";
import type { Clock, LogEntry } from "../../platform/ports.ts";

/** The part of an action and of a route that is traced. */
interface Work {
  run(context: { readonly conn?: Connection }, input: unknown): unknown;
}

/**
 * Wraps a definition so that each action and request writes a log entry of level `debug` with its duration. The wrapped
 * definition is used instead of the original, so tracing costs nothing where it is off.
 */
export function traced(
  room: CompiledRoom,
  { clock, log }: { readonly clock: Clock; readonly log: (entry: LogEntry) => void },
): CompiledRoom {
  const timed = <T>(event: string, action: string, work: T): T => {
    const run: Work["run"] = (context, input) => {
      const start = clock.now();
      const connection = context.conn && { connection: context.conn.id };
      const end = (failure?: unknown): void => {
        const code = failure === undefined ? {} : { code: toRoomError(failure).code };
        log({ level: "debug", event, action, ...connection, ...code, ms: clock.now() - start });
      };
      return whenDone(() => (work as Work).run(context, input), end);
    };
    return { ...work, run };
  };
  return {
    ...room,
    actions: new Map(Array.from(room.actions, ([name, action]) => [name, timed("action", name, action)])),
    routes: {
      match(method, path) {
        const found = room.routes.match(method, path);
        return found.kind === "found" ? { ...found, route: timed("request", found.key, found.route) } : found;
      },
    },
  };
}

/** Runs something, and calls `end` when it is done, with the error if it failed. */
function whenDone(run: () => unknown, end: (failure?: unknown) => void): unknown {
  try {
    const outcome = run();
    const pending = promiseOf(outcome);
    if (pending) pending.then(() => end(), end);
    else end();
    // Some promises start their work again with each `then`.
    return pending ?? outcome;
  } catch (failure) {
    end(failure);
    throw failure;
  }
}
