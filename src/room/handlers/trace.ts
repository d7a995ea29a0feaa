import type { CompiledRoom } from "../../define/room.ts";
import type { Connection } from "../../define/types.ts";
import { toRoomError } from "../../protocol/errors.ts";
import type { Clock, LogEntry } from "../../platform/ports.ts";

/** What an action and a route have in common. */
interface Work {
  run(context: { readonly conn?: Connection }, input: unknown): unknown;
}

/**
 * A room that writes a line of level `debug` for each action and request that it runs, with how long it took. It takes
 * the place of the room, so that where nobody wants such lines they cost nothing.
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

/** Runs something, and calls back when it is done, with what it threw. */
function whenDone(run: () => unknown, end: (failure?: unknown) => void): unknown {
  try {
    const outcome = run();
    if (outcome instanceof Promise) outcome.then(() => end(), end);
    else end();
    return outcome;
  } catch (failure) {
    end(failure);
    throw failure;
  }
}
