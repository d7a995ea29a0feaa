import { membersOf } from "./members.ts";
import type { Field } from "./field.ts";
import { declaredShape } from "./signals/tracking.ts";
import type { Shape } from "./value-checks.ts";

/** A field for comparison: how it was marked, and the shape of its signal. */
interface FieldShape {
  readonly field: Field;
  readonly shape: Shape;
}

/** A field or an object of fields for comparison. */
export type Declared = FieldShape | EntryShape;

/** The fields of an object by name, including those of objects inside of it. */
export type EntryShape = ReadonlyMap<string, Declared>;

/**
 * Whether a property refers to an object that is part of the state in another place, or will be, as far as that is
 * known.
 */
export type IsReference = (value: object) => boolean;

/** The fields of an object. */
export function shapeOfEntry(target: object, around: readonly object[] = []): EntryShape {
  const inside = [...around, target];
  return new Map(
    membersOf(target, around).map(({ name, value, field }) => [
      name,
      field ? { field, shape: shapeOfField(field, value) } : shapeOfEntry(value, inside),
    ]),
  );
}

function shapeOfField(field: Field, signal: object): Shape {
  return field.kind === "value" ? declaredShape(signal as never) : "any";
}

/** Describes how the fields of an object differ from a shape. */
export function differenceOf(
  shape: EntryShape,
  target: object,
  isReference: IsReference,
  around: readonly object[] = [],
): string | undefined {
  const missing = new Set(shape.keys());
  for (const { name, value, field } of membersOf(target, around)) {
    const expected = shape.get(name);
    missing.delete(name);
    if (!expected && !field && isReference(value)) continue;
    if (!expected) return `it has a field "${name}", which the entries here do not have`;
    const problem = differenceBetween(expected, name, field, value, isReference, [...around, target]);
    if (problem) return problem;
  }
  for (const name of missing) return `it has no field "${name}", which the entries here have`;
  return undefined;
}

/** Describes how one property of an object differs from a shape. */
export function differenceBetween(
  expected: Declared,
  name: string,
  field: Field | undefined,
  value: object,
  isReference: IsReference = () => false,
  around: readonly object[] = [],
): string | undefined {
  if ("field" in expected !== (field !== undefined)) return `its "${name}" differs from that of the entries here`;
  return "field" in expected
    ? fieldDifference(expected, name, field as Field, value)
    : differenceOf(expected, value, isReference, around);
}

/** The marks of a field that are compared. */
const MARKS = ["kind", "synced", "persisted", "visibleTo", "transform"] as const;

function fieldDifference(expected: FieldShape, name: string, field: Field, signal: object): string | undefined {
  const mark = MARKS.find((property) => !isSame(field[property], expected.field[property]));
  if (mark) return `its field "${name}" is marked differently than in the entries here (${mark})`;
  // A signal that was made as neither an array nor an object may become anything.
  if (expected.shape === "any" || shapeOfField(field, signal) === expected.shape) return undefined;
  return `its field "${name}" is an ${expected.shape} in the entries here`;
}

/** Each entry may have its own functions, and its own keyed visibility. Those with the same code count as the same. */
function isSame(one: unknown, other: unknown): boolean {
  return one === other || (typeof one === typeof other && String(one) === String(other));
}
