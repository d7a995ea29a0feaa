import type { CompiledRoom } from "../../define/room.ts";
import type { Snapshot } from "../../define/types.ts";
import { messageOf } from "../../protocol/errors.ts";
import { isLiteral, MAX_DEPTH, promiseOf } from "../../protocol/values.ts";

/** The maximum number of levels, for a field of an entry. */
const MAX_LEVELS = 2 * MAX_DEPTH;

/**
 * Converts an older snapshot to this version, step by step.
 *
 * @param from the version that wrote it
 * @throws Error that names the step, if it throws or returns another value; or if the snapshot is newer
 */
export function migrateSnapshot({ definition, version }: CompiledRoom, snapshot: Snapshot, from: number): Snapshot {
  if (from > version) {
    throw new Error(
      `The stored state has version ${from}, and the definition has version ${version}: deploy version ${from} again`,
    );
  }
  let current = snapshot;
  for (let to = from + 1; to <= version; to++) {
    try {
      const next: unknown = definition.migrate?.[to]?.(current);
      checkResult(next);
      current = next;
    } catch (cause) {
      const why = messageOf(cause);
      throw new Error(`migrate[${to}] failed: ${why}`, { cause });
    }
  }
  return current;
}

function checkResult(result: unknown): asserts result is Snapshot {
  promiseOf(result)?.catch(() => {});
  if (!isLiteral(result)) throw new Error("it has to return the snapshot, not a promise");
  checkPlain(result, []);
}

/** A value that is not plain data, such as a Map, would be stored as something else, or not at all. */
function checkPlain(value: unknown, path: readonly string[]): void {
  const isPlain = ["string", "number", "boolean", "undefined"].includes(typeof value) || value === null;
  if (isPlain) return;
  if (path.length > MAX_LEVELS || !(Array.isArray(value) || isLiteral(value))) {
    throw new Error(`"${path[0]}" has a value that is not plain data, or is nested too deeply`);
  }
  for (const [key, inner] of Object.entries(value)) checkPlain(inner, [...path, key]);
}
