import type { Group } from "./group.ts";
import { Tree } from "./tree.ts";

/**
 * Finds a signal that `state()` returns for more than one room. On Cloudflare rooms may run in one isolate, and would
 * then share its value.
 * @returns what to tell the developer
 */
export function findSharedSignal(tree: Tree, state: () => object): string | undefined {
  const path = findIn(tree.root, new Tree(state()).root);
  return path && `${path} is the same signal in all rooms: make it inside state()`;
}

function findIn(group: Group, other: Group): string | undefined {
  for (const [name, child] of group.children) {
    const twin = other.children.get(name);
    if (!twin) continue;
    if ("signal" in child) {
      if ("signal" in twin && child.signal === twin.signal) return name;
      continue;
    }
    const path = findIn(child, twin as Group);
    if (path) return `${name}.${path}`;
  }
  return undefined;
}
