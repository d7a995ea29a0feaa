import { SAME } from "./diff.ts";
import type { Leaf } from "./leaf.ts";
import type { PrivateChange } from "./node.ts";

/** Takes the change of a field as told. @returns the patch for everyone, or SAME; one that is not for all goes to `changes` */
export function settleLeaf(leaf: Leaf, changes: PrivateChange[]): unknown {
  if (!leaf.synced) return SAME;
  const change = leaf.settle();
  if (!leaf.audience || change === SAME) return change;
  changes.push({ names: leaf.names(), audience: leaf.audience, value: change, leaf });
  return SAME;
}
