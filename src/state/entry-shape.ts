import { membersOf } from "./members.ts";
import type { Field } from "./field.ts";
import { declaredShape } from "./signals/tracking.ts";
import type { Shape } from "./value-checks.ts";

/** A field as it is compared: what it was marked as, and what its signal was made as. */
interface FieldShape {
  readonly field: Field;
  readonly shape: Shape;
}

/** A field, or an object of fields, as it is compared. */
export type Declared = FieldShape | EntryShape;

/** The fields of an object by name, and those of the objects inside it. */
export type EntryShape = ReadonlyMap<string, Declared>;

/** Whether a property refers to an object that is part of the state elsewhere, or will be, as far as can be known. */
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

/** What is different about the fields of an object. */
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

/** What is different about one property of an object. */
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

/** How a field is marked. */
const MARKS = ["kind", "synced", "persisted", "visibleTo", "transform"] as const;

function fieldDifference(expected: FieldShape, name: string, field: Field, signal: object): string | undefined {
  const mark = MARKS.find((property) => !isSame(field[property], expected.field[property]));
  if (mark) return `its field "${name}" is marked differently than in the entries here (${mark})`;
  // What was declared as neither may become anything.
  if (expected.shape === "any" || shapeOfField(field, signal) === expected.shape) return undefined;
  return `its field "${name}" is an ${expected.shape} in the entries here`;
}

/** Each entry may have functions of its own: those with the same code are taken for the same. */
function isSame(one: unknown, other: unknown): boolean {
  return one === other || (typeof one === "function" && typeof other === "function" && String(one) === String(other));
}
