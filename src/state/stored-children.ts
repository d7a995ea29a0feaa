import type { Plain } from "../protocol/values.ts";
import { Leaf } from "./leaf.ts";
import type { InnerNode, Placement } from "./node.ts";

/** An object inside of another one. */
interface Inner extends InnerNode {
  readonly placement: Partial<Placement>;
  stored?(persisted: boolean): Plain | undefined;
}
type Children = ReadonlyMap<string, Leaf | Inner>;

/**
 * The values of fields that share a row with the object around them. Entries of collections do not.
 * @param isScalarsOnly whether to leave out fields that have their own rows
 */
export function storedChildren(
  { children, placement }: { readonly children: Children; readonly placement: Placement },
  persisted: boolean,
  isScalarsOnly: boolean,
): Plain | undefined {
  let values: Plain | undefined;
  for (const [name, child] of children) {
    let value: unknown;
    if (child instanceof Leaf) {
      const isIncluded = child.row && child.persisted === persisted && (!isScalarsOnly || child.row === placement.row);
      if (isIncluded) value = child.stored();
    } else if (child.placement.row === placement.row) value = child.stored?.(persisted);
    if (value !== undefined) (values ??= {})[name] = value;
  }
  return values;
}
