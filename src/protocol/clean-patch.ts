import { DELETE, isPlain, objectAt } from "./values.ts";
import type { Plain } from "./values.ts";

/**
 * Follows a name in a patch to say that an object takes the place of a value that was neither an object nor an array:
 * `{ "a": "$delete", "a.$": "$delete", "a.b": 1 }`. For `load` of `@signe/sync` it has no effect: it deletes what is not
 * there.
 */
export const NEW_PART = ".$";
const SIGN = `${NEW_PART}":"${DELETE}"`;

/**
 * A patch for clients of protocol 2 and later. They take an object for what it is, so a new one is written as such:
 * `{ "a": { "b": 1 } }`.
 * @param patch as JSON, or a list of parts of it
 */
export function cleanPatch(patch: string): string {
  if (!patch.includes(SIGN)) return patch;
  const parsed: unknown = JSON.parse(patch);
  return JSON.stringify(Array.isArray(parsed) ? parsed.map(cleaned) : cleaned(parsed));
}

function cleaned(patch: unknown): unknown {
  return isPlain(patch) ? inSteps(patch, false).value : patch;
}

/** Whether a patch says of a name that a new object follows. */
export function isNewObject(patch: Readonly<Plain>, name: string): boolean {
  return patch[name] === DELETE && patch[name + NEW_PART] === DELETE;
}

/** A patch without names that have dots, and what is to be deleted before it is applied: that of which objects take the place. */
export interface Steps {
  readonly clear: Plain | undefined;
  readonly value: Plain;
}

/**
 * A patch for clients that take it in two steps. The given one is not changed.
 * @param clears whether they do. If not, only what takes the place of no object is written without dots
 */
export function inSteps(patch: Readonly<Plain>, clears = true): Steps {
  const value: Plain = {};
  let clear: Plain | undefined;
  for (const [name, change] of Object.entries(patch)) {
    const [outer = "", ...inner] = name.split(".");
    const last = inner.pop();
    if (last !== undefined && (clears || isNewObject(patch, outer))) {
      // The part follows the removal of the whole, which may be in the patch before.
      (clear ??= {})[outer] = DELETE;
      const object = objectAt(value, [outer, ...inner], (node, at) => (isPlain(node[at]) ? { ...node[at] } : {}));
      // A part that is deleted only says that there is an object.
      if (change !== DELETE) object[last] = change;
      continue;
    }
    const steps = isPlain(change) ? inSteps(change, clears) : undefined;
    value[name] = steps ? steps.value : change;
    if (steps?.clear) (clear ??= {})[name] = steps.clear;
  }
  return { clear, value };
}
