import { DELETE, isPlain, objectAt } from "./values.ts";
import type { Plain } from "./values.ts";

/**
 * Follows a name in a patch to say that an object replaces a value that was neither an object nor an array: `{ "a":
 * "$delete", "a.$": "$delete", "a.b": 1 }`. It has no effect on `load` of `@signe/sync`, since it deletes a key that
 * does not exist.
 */
export const NEW_PART = ".$";
const SIGN = `${NEW_PART}":"${DELETE}"`;

/**
 * Converts a patch for clients of protocol 2 and later, which can read a new object directly: `{ "a": { "b": 1 } }`.
 * @param patch as JSON, or a list of parts of it, or a packet with a patch
 */
export function cleanPatch(patch: string): string {
  if (!patch.includes(SIGN)) return patch;
  const parsed: unknown = JSON.parse(patch);
  return JSON.stringify(Array.isArray(parsed) ? parsed.map(cleaned) : cleaned(parsed));
}

function cleaned(patch: unknown): unknown {
  return isPlain(patch) ? inSteps(patch, false).value : patch;
}

/** Whether a patch announces that a name becomes a new object. */
export function isNewObject(patch: Readonly<Plain>, name: string): boolean {
  return patch[name] === DELETE && patch[name + NEW_PART] === DELETE;
}

/**
 * A patch without dots in names, and the paths that are deleted before it is applied, because objects replace their
 * values.
 */
export interface Steps {
  readonly clear?: Plain | undefined;
  readonly value: Plain;
}

/**
 * Converts a patch for clients that apply patches in two steps. The given patch is not changed.
 * @param clears whether the client does. If not, only new objects are written without dots
 */
export function inSteps(patch: Readonly<Plain>, clears = true): Steps {
  const value: Plain = {};
  let clear: Plain | undefined;
  for (const [name, change] of Object.entries(patch)) {
    const [outer = "", ...inner] = name.split(".");
    const last = inner.pop();
    if (last !== undefined && (clears || isNewObject(patch, outer))) {
      // The value is removed first, which the patch may do already.
      (clear ??= {})[outer] = DELETE;
      const object = objectAt(value, [outer, ...inner], (node, at) => (isPlain(node[at]) ? { ...node[at] } : {}));
      // A deleted part only means that there is an object.
      if (change !== DELETE) object[last] = change;
      continue;
    }
    const steps = isPlain(change) ? inSteps(change, clears) : undefined;
    value[name] = steps ? steps.value : change;
    if (steps?.clear) (clear ??= {})[name] = steps.clear;
  }
  return { clear, value };
}
