import { DELETE } from "../protocol/packets.ts";
import { isPlain, objectAt } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import { put, Replacement } from "./diff.ts";

/** A value and its path. `"$delete"` removes the value at the path. */
export interface Placed {
  readonly names: readonly string[];
  readonly value: unknown;
}

/** Adds private changes at their paths to the patch for everyone. Neither argument is changed. */
export function merge(
  shared: Record<string, unknown> | undefined,
  changes: readonly Placed[],
): Record<string, unknown> {
  const patch = { ...shared };
  for (const change of changes) place(patch, change.names, change.value);
  return patch;
}

/** The changes that {@link merge} adds to the patch for everyone, as a patch that follows it. */
export function addition(shared: Plain | undefined, changes: readonly Placed[]): Plain {
  const merged = merge(shared, changes);
  return shared ? beyond(shared, merged) : merged;
}

function beyond(shared: Plain, merged: Plain): Plain {
  const more: Plain = {};
  for (const [name, value] of Object.entries(merged)) {
    const before = Object.hasOwn(shared, name) ? shared[name] : undefined;
    if (value === before) continue;
    more[name] = isPlain(value) && isPlain(before) ? beyond(before, value) : value;
  }
  return more;
}

function place(patch: Plain, names: readonly string[], value: unknown): void {
  const parent = objectAt(patch, names.slice(0, -1), (node, name, depth) => {
    if (node[name] !== DELETE) return isPlain(node[name]) ? { ...node[name] } : {};
    // The deletion of a value for everyone includes its private parts. Private parts of its replacement follow it.
    if (value !== DELETE) node[names.slice(depth).join(".")] = value instanceof Replacement ? value.value : value;
    return undefined;
  });
  if (parent) put(parent, names.at(-1) as string, value);
}
