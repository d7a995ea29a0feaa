import { hash } from "../protocol/hash.ts";
import { shapeOfEntry } from "./entry-shape.ts";
import type { EntryShape } from "./entry-shape.ts";
import type { Factories, Factory, Field } from "./field.ts";
import { makeBy } from "./marks.ts";
import { Group } from "./group.ts";

/** Thrown where a crash would take entries away that only some viewers know of. */
const UNTRACEABLE = new Error("Entries with visibleTo are not stored");

/**
 * Says of all fields what clients get of them: the code of another version has the same, or what clients have of them is
 * not to be continued.
 *
 * @returns a short text; undefined if clients cannot continue in any case, since entries that only some see are not
 * stored: after a crash, nobody knows which there were
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

/** @param around the factories of the entries that it is in: entries may hold others of their own kind */
function ofField(field: Field, isHiddenAround: boolean, around: readonly Factory<object>[]): unknown {
  const { kind, synced, persisted, visibleTo, transform, factory } = field;
  const isHidden = isHiddenAround || visibleTo !== "all";
  // What is seen by keys is sent anew in any case.
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

/** What the entries of a collection are like: one for each kind, as far as it can be made without a key. */
export function examplesOf(factories: Factories): EntryShape[] {
  return (typeof factories === "function" ? [factories] : [...factories.values()]).map(exampleOf);
}

/** One that wants a real key is known by its code. */
function exampleOf(factory: Factory<object>): EntryShape {
  try {
    return shapeOfEntry(makeBy(factory, ""));
  } catch {
    return new Map([[String(factory), new Map()]]);
  }
}
