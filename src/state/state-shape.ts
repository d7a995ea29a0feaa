import { hash } from "../protocol/hash.ts";
import { shapeOfEntry } from "./entry-shape.ts";
import type { EntryShape } from "./entry-shape.ts";
import type { Factories, Factory, Field } from "./field.ts";
import { makeBy } from "./marks.ts";
import { Group } from "./group.ts";

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

function ofShape(shape: EntryShape, isHidden: boolean, around: readonly Factory<object>[]): unknown {
  return Array.from(shape, ([name, part]) => [
    name,
    "field" in part ? ofField(part.field, isHidden, around) : ofShape(part, isHidden, around),
  ]);
}

/** @param around the factories of the entries around it, since entries may contain others of their own kind */
function ofField(field: Field, isHiddenAround: boolean, around: readonly Factory<object>[]): unknown {
  const { kind, synced, persisted, visibleTo, transform, factory } = field;
  const isHidden = isHiddenAround || visibleTo !== "all";
  // Entries with keyed visibility are always sent again.
  if (factory && !persisted && isHidden && typeof visibleTo !== "object") throw UNTRACEABLE;
  const factories = typeof factory === "function" ? [["", factory] as const] : [...(factory ?? [])];
  const entries = factories.map(([name, make]) => [name, ofFactory(make, isHidden, around)]);
  const shape = [kind, synced, persisted, textOf(visibleTo), String(transform), entries];
  return field.codec ? [...shape, field.codec.wire?.spec, String(field.codec.round)] : shape;
}

function textOf(visibility: Field["visibleTo"]): string {
  return typeof visibility === "object" ? "keys" : String(visibility);
}

function ofFactory(factory: Factory<object>, isHidden: boolean, around: readonly Factory<object>[]): unknown {
  if (around.includes(factory)) return undefined;
  return ofShape(exampleOf(factory), isHidden, [...around, factory]);
}

/** One example of each kind of entry in a collection, if it can be made without a key. */
export function examplesOf(factories: Factories): EntryShape[] {
  return (typeof factories === "function" ? [factories] : [...factories.values()]).map(exampleOf);
}

/** A factory that needs a real key is identified by its code. */
function exampleOf(factory: Factory<object>): EntryShape {
  try {
    return shapeOfEntry(makeBy(factory, ""));
  } catch {
    return new Map([[String(factory), new Map()]]);
  }
}
