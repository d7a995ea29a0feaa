import { hash } from "../protocol/hash.ts";
import type { EntryShape } from "./entry-shape.ts";
import type { Factory, Field } from "./field.ts";
import { Group, partsOf } from "./group.ts";

/** The factories of the entries around something, since entries may contain others of their own kind. */
type Around = readonly Factory<object>[];

/** Thrown if a crash would lose entries that only some viewers know. */
const UNTRACEABLE = new Error("Entries with visibleTo are not stored");

/**
 * Describes what clients get of all fields. If the code of another version gives another text, clients cannot resume.
 *
 * @returns a short text. Undefined if clients cannot resume in any case, since entries that only some viewers see are
 * not stored: after a crash it is unknown which existed
 */
export function shapeOfState(root: Group): string | undefined {
  try {
    return hash(JSON.stringify(ofGroup(root)));
  } catch {
    return undefined;
  }
}

function ofGroup(group: Group): unknown {
  return Array.from(group.children, ([name, child]) => [
    name,
    child instanceof Group ? ofGroup(child) : ofField(child.field, false, []),
  ]);
}

function ofShape(shape: EntryShape, isHidden: boolean, around: Around): unknown {
  return Array.from(shape, ([name, part]) => [
    name,
    "field" in part ? ofField(part.field, isHidden, around) : ofShape(part, isHidden, around),
  ]);
}

function ofField(field: Field, isHiddenAround: boolean, around: Around): unknown {
  const { kind, synced, persisted, visibleTo, transform, factory } = field;
  const isHidden = isHiddenAround || visibleTo !== "all";
  // Entries with keyed visibility are always sent again.
  if (factory && !persisted && isHidden && typeof visibleTo !== "object") throw UNTRACEABLE;
  const factories = typeof factory === "function" ? [["", factory] as const] : [...(factory ?? [])];
  const ofFactory = (make: Factory<object>) =>
    around.includes(make) ? undefined : ofShape(partsOf(field).exampleOf(make), isHidden, [...around, make]);
  const entries = factories.map(([name, make]) => [name, ofFactory(make)]);
  const shape = [kind, synced, persisted, textOf(visibleTo), String(transform), entries];
  return field.codec ? [...shape, field.codec.wire?.spec, String(field.codec.round)] : shape;
}

function textOf(visibility: Field["visibleTo"]): string {
  return typeof visibility === "object" ? "keys" : String(visibility);
}
