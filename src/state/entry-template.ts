import { isPlain } from "../protocol/values.ts";
import { isObject } from "./entry-rows.ts";
import { Leaf } from "./leaf.ts";
import type { EntryNode, InnerNode } from "./node.ts";
import { nestDottedKeys } from "./to-plain.ts";
import { checkField } from "./value-checks.ts";

type Part = Leaf | InnerNode;

/** Whether all values are stored, visible to everyone unchanged, and do not depend on anything else. */
export function isSimple(part: Part): boolean {
  if (part instanceof Leaf) return part.field.kind !== "computed" && part.field.kind !== "reference" && !part.audience;
  return isObject(part) && [...part.children.values()].every(isSimple);
}

/** Whether a stored value could be loaded: limits, and what a field was declared as, may be others by now. */
export function fits(part: Part, stored: unknown): boolean {
  if (part instanceof Leaf) return part.field.kind !== "value" || fitsField(part, stored);
  if (!isPlain(stored)) return false;
  for (const [name, child] of childrenOf(part)) {
    const value = Object.hasOwn(stored, name) ? stored[name] : undefined;
    if (value !== undefined && !fits(child, value)) return false;
  }
  return true;
}

function fitsField(leaf: Leaf, value: unknown): boolean {
  try {
    checkField(leaf, value);
    return leaf.rounded(value) === value;
  } catch {
    return false;
  }
}

/** What would be sent of a part like this with these stored values, as JSON. Undefined if that depends on more. */
export function textOfStored(part: Part, stored: unknown): string | undefined {
  if (part instanceof Leaf) return textOfField(part, stored);
  if (!isPlain(stored)) return undefined;
  const parts: string[] = [];
  for (const [name, child] of childrenOf(part)) {
    if (child.hidden) continue;
    const text = textOfStored(child, Object.hasOwn(stored, name) ? stored[name] : undefined);
    if (text === undefined) return undefined;
    parts.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${parts.join(",")}}`;
}

function textOfField(leaf: Leaf, value: unknown): string | undefined {
  const { kind, transform } = leaf.field;
  if (kind === "connected") return "false";
  if (transform || value === undefined || !fits(leaf, value)) return undefined;
  return JSON.stringify(nestDottedKeys(value));
}

/** The parts of an object. A simple one contains no collections. */
function childrenOf(part: InnerNode): ReadonlyMap<string, Part> {
  return (part as EntryNode).children;
}
