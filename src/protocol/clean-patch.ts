import { DELETE, isPlain } from "./values.ts";
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
  return patch.includes(SIGN) ? JSON.stringify(cleaned(JSON.parse(patch))) : patch;
}

/** Whether a patch says of a name that a new object follows. */
export function isNewObject(patch: Readonly<Plain>, name: string): boolean {
  return patch[name] === DELETE && patch[name + NEW_PART] === DELETE;
}

function cleaned(patch: unknown): unknown {
  if (Array.isArray(patch)) return patch.map(cleaned);
  if (!isPlain(patch)) return patch;
  const clean: Plain = {};
  for (const [name, change] of Object.entries(patch)) {
    const dot = name.lastIndexOf(".");
    const object = name.slice(0, Math.max(dot, 0));
    if (isNewObject(patch, name)) clean[name] = {};
    else if (!isNewObject(patch, object)) clean[name] = cleaned(change);
    // The part that only says so is deleted, and no other one is.
    else if (change !== DELETE) (clean[object] as Plain)[name.slice(dot + 1)] = change;
  }
  return clean;
}
