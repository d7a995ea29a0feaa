import { DELETE } from "../protocol/packets.ts";
import { isPlain } from "../protocol/values.ts";
import { put, Replacement } from "./diff.ts";

/** A value in its place: `"$delete"` removes what is there. */
export interface Placed {
  readonly names: readonly string[];
  readonly value: unknown;
}

/** The patch for everyone with private changes in their places. Neither is changed. */
export function merge(
  shared: Record<string, unknown> | undefined,
  changes: readonly Placed[],
): Record<string, unknown> {
  const patch = { ...shared };
  for (const change of changes) place(patch, change.names, change.value);
  return patch;
}

function place(patch: Record<string, unknown>, names: readonly string[], value: unknown): void {
  let node = patch;
  for (const [depth, name] of names.slice(0, -1).entries()) {
    if (node[name] === DELETE) {
      // What is gone for everyone takes its private parts along; those of what takes its place follow it.
      if (value !== DELETE) node[names.slice(depth).join(".")] = value instanceof Replacement ? value.value : value;
      return;
    }
    const copy: Record<string, unknown> = isPlain(node[name]) ? { ...node[name] } : {};
    node[name] = copy;
    node = copy;
  }
  put(node, names.at(-1) as string, value);
}
