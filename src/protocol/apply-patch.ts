import { DELETE, isContainer, isHostileKey, isPlain, MAX_DEPTH, MAX_STATE_DEPTH } from "./values.ts";
import type { Plain } from "./values.ts";

/**
 * Applies a patch to a plain state, by the rules of `load` of `@signe/sync`: objects are merged, `"$delete"` removes a
 * key, arrays are replaced or changed item by item, and a name with dots is a path.
 *
 * Nothing is changed in place: the result shares all parts that the patch does not touch. Keys that reach a prototype
 * are ignored, and so are values that are nested deeper than any state.
 *
 * @example
 * import { applyPatch } from "./apply-patch.ts";
 * applyPatch({ a: 1, b: { c: 2 } }, { b: { c: "$delete", d: 3 } });  // { a: 1, b: { d: 3 } }
 */
export function applyPatch(state: Readonly<Plain>, patch: Readonly<Plain>): Readonly<Plain> {
  return mergeInto(state, patch, 0, new Set()) as Plain;
}

/** The containers that this patch made. They may be changed in place, so each is copied once for all of its keys. */
type Fresh = Set<object>;

/**
 * Applies a change at a path below a node, which may be missing or not a container yet.
 * @param depth the depth of the end of the path
 */
function applyAt(
  node: unknown,
  [key, ...rest]: readonly string[],
  change: unknown,
  depth: number,
  fresh: Fresh,
): unknown {
  if (key === undefined || isHostileKey(key)) return node;
  const container = isContainer(node) ? node : {};
  const current = Object.hasOwn(container, key) ? (container as Plain)[key] : undefined;
  if (rest.length > 0) return withKey(container, key, applyAt(current, rest, change, depth, fresh), fresh);
  if (change === DELETE) return isContainer(node) ? withoutKey(node, key, fresh) : node === undefined ? {} : node;
  if (!isPlain(change)) return withKey(container, key, withoutHostile(change), fresh);
  // An empty object changes nothing for a client that merges. It only makes sure that an object exists.
  const base = isContainer(current) ? current : {};
  return withKey(container, key, mergeInto(base, change, depth, fresh), fresh);
}

function mergeInto(base: object, patch: Plain, depth: number, fresh: Fresh): unknown {
  let next: unknown = base;
  for (const [key, change] of Object.entries(patch)) {
    const path = key.split(".");
    const end = depth + path.length;
    // A broken or hostile server could exhaust the stack with deeper values.
    if (end <= MAX_STATE_DEPTH) next = applyAt(next, path, change, end, fresh);
  }
  return next;
}

function withKey(container: object, key: string, value: unknown, fresh: Fresh): object {
  if (Object.hasOwn(container, key) && Object.is((container as Plain)[key], value)) return container;
  if (Array.isArray(container)) {
    const index = Number(key);
    // A larger index would make holes: a single number could make four billion of them.
    if (!Number.isInteger(index) || index < 0 || index > container.length) return container;
  }
  const copy = freshCopy(container, fresh);
  copy[Array.isArray(copy) ? Number(key) : key] = value;
  return copy;
}

function freshCopy(container: object, fresh: Fresh): Record<string, unknown> {
  if (fresh.has(container)) return container as Record<string, unknown>;
  const copy = (Array.isArray(container) ? [...(container as unknown[])] : { ...container }) as Record<string, unknown>;
  fresh.add(copy);
  return copy;
}

/** Copies the items of an array. Values that are nested too deeply are left out. */
function withoutHostile(value: unknown, depth = 0): unknown {
  if (!isContainer(value)) return value;
  if (depth >= MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((item) => withoutHostile(item, depth + 1));
  const kept = Object.entries(value).filter(([key]) => !isHostileKey(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutHostile(inner, depth + 1)]));
}

function withoutKey(container: object, key: string, fresh: Fresh): object {
  if (!Object.hasOwn(container, key)) return container;
  // An array that loses an item becomes an object, since a hole would become null.
  const copy = freshCopy(Array.isArray(container) ? Object.assign({}, container) : container, fresh);
  delete copy[key];
  return copy;
}

/**
 * Works as {@link applyPatch}, but changes the state in place and does not check values inside of arrays. For patches
 * of a room, where copying a large collection for each change would cost too much.
 *
 * @param depth the levels above the target
 */
export function applyPatchInPlace(target: object, patch: Plain, depth = 0): void {
  for (const [key, change] of Object.entries(patch)) {
    const path = key.split(".");
    const end = depth + path.length;
    if (end <= MAX_STATE_DEPTH) applyInPlaceAt(target, path, change, end);
  }
}

function applyInPlaceAt(target: object, [key, ...rest]: readonly string[], change: unknown, depth: number): void {
  if (key === undefined || isHostileKey(key)) return;
  const node = target as Plain;
  if (rest.length > 0) applyInPlaceAt(containerAt(node, key), rest, change, depth);
  else if (change === DELETE) delete node[key];
  else if (isPlain(change)) applyPatchInPlace(containerAt(node, key), change, depth);
  else node[key] = change;
}

function containerAt(node: Plain, key: string): object {
  const current = Object.hasOwn(node, key) ? node[key] : undefined;
  return isContainer(current) ? current : (node[key] = {});
}
