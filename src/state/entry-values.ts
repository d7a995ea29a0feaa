import { isPlain } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import { Leaf } from "./leaf.ts";
import { KIND_KEY } from "./marks.ts";
import type { EntryNode, InnerNode } from "./node.ts";
import { nestDottedKeys } from "./to-plain.ts";
import { checkField } from "./value-checks.ts";

/** The value of an entry's row: of the persisted fields, or of the others. Undefined if there are none. */
export function rowValue(entry: EntryNode, persisted: boolean): Plain | undefined {
  const values = entry.stored(persisted);
  // An entry always has a row, since its existence is stored.
  return persisted === entry.placement.persisted ? withKind(values ?? {}, entry.placement.kind) : values;
}

/** The stored values of an entry, with the name of its kind. */
function withKind(values: Plain, kind: string | undefined): Plain {
  return kind === undefined ? values : { [KIND_KEY]: kind, ...values };
}

/** Marks an entry as unsaved, including everything inside of it. */
export function saveEntry(entry: EntryNode): void {
  const { row, persisted } = entry.placement;
  row.touch();
  row.changed(persisted);
  if (persisted && entry.stored(false)) row.changed(false);
  entry.saveAll();
}

/** Loads the stored values of an entry. */
export function loadEntry(entry: EntryNode, stored: Plain): void {
  const isIncomplete = entry.load(stored);
  // A field that is missing in storage may have a random initial value, which is kept.
  if (isIncomplete && entry.placement.persisted) entry.placement.row.changed(true);
}

/** Loads the stored values of an entry without sending changes. */
export function restoreEntry(entry: EntryNode, stored: Plain): void {
  loadEntry(entry, stored);
  entry.settle([]);
}

/** All stored values of an entry, including the entries inside of it. */
export function snapshotOfEntry(entry: EntryNode): Plain {
  const snapshot = withKind({}, entry.placement.kind);
  for (const [name, child] of entry.children) {
    if (!(child instanceof Leaf))
      snapshot[name] = isObject(child) ? snapshotOfEntry(child) : snapshotOfAll(child as EntryNode);
    else if (child.field.persisted && child.row) snapshot[name] = child.stored();
  }
  return snapshot;
}

/** The same for all entries of a collection. */
function snapshotOfAll({ children }: Pick<EntryNode, "children">): Plain {
  return Object.fromEntries([...children].map(([key, entry]) => [key, snapshotOfEntry(entry as EntryNode)]));
}

/** Whether a node is an object of fields. Otherwise it is a collection. */
export function isObject(node: InnerNode): node is EntryNode {
  return !("field" in node);
}

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
