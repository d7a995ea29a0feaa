import { isPlain } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import { KIND_KEY } from "./marks.ts";
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

/** Whether the stored values of an object could be loaded into these fields. */
export function fitChildren(children: Children, stored: unknown): boolean {
  if (!isPlain(stored)) return false;
  for (const [name, child] of children) {
    const value = Object.hasOwn(stored, name) ? stored[name] : undefined;
    if (value !== undefined && !child.fits(value)) return false;
  }
  return true;
}

/** What would be sent of an object with such fields and these stored values. Undefined if that depends on more. */
export function textOfStoredChildren(children: Children, stored: unknown): string | undefined {
  if (!isPlain(stored)) return undefined;
  const parts: string[] = [];
  for (const [name, child] of children) {
    if (child.hidden) continue;
    const text = child.textOfStored(Object.hasOwn(stored, name) ? stored[name] : undefined);
    if (text === undefined) return undefined;
    parts.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${parts.join(",")}}`;
}

/** The stored values of an entry, with the name of its kind. */
export function withKind(values: Plain, kind: string | undefined): Plain {
  return kind === undefined ? values : { [KIND_KEY]: kind, ...values };
}
