import { messageOf, RoomError } from "../protocol/errors.ts";
import { isContainer } from "../protocol/values.ts";
import { differenceBetween } from "./entry-shape.ts";
import type { Declared } from "./entry-shape.ts";
import { fieldOf, membersOf } from "./members.ts";
import type { Member } from "./members.ts";

/** A field, collection or object of fields that is part of an object in the state. */
interface Child {
  /** The value of the property when it became part of the state. */
  readonly property: object;
  /**
   * The shape that a replacement has to have. Undefined if it cannot be replaced, since the class or factory makes it.
   */
  readonly declared?: Declared | undefined;
}

/** An object in the state. */
export interface Owner {
  readonly target: object;
  readonly parent: unknown;
  readonly children: ReadonlyMap<string, Child>;
  names(): string[];
  /** Replaces the field or object of fields of this name. @throws Error if the new one is not valid */
  retake(member: Member): void;
}

/**
 * Checks the properties of an object in the state. A field that was assigned in place of a field of the same shape
 * becomes part of the state. Any other assignment is undone, since it would be lost when the room hibernates.
 * @throws RoomError naming the path of the first property that was refused
 */
export function takeAssigned(owner: Owner): void {
  const { children } = owner;
  const target = owner.target as Record<string, unknown>;
  let found = 0;
  let problem: RoomError | undefined;
  for (const name of Object.keys(target)) {
    const child = children.get(name);
    const value = target[name];
    if (child) found++;
    if (child ? value !== child.property : typeof value === "function" && fieldOf(value) !== undefined)
      problem = take(owner, target, name) ?? problem;
  }
  if (found < children.size)
    for (const name of children.keys())
      if (!Object.hasOwn(target, name)) problem = take(owner, target, name) ?? problem;
  if (problem) throw problem;
}

/** @returns the reason, if the assignment was undone */
function take(owner: Owner, target: Record<string, unknown>, name: string): RoomError | undefined {
  const child = owner.children.get(name);
  const why = child ? replace(owner, child, name, target[name]) : newField(owner);
  if (why === undefined) return undefined;
  if (child) target[name] = child.property;
  else delete target[name];
  return new RoomError("internal", `${[...owner.names(), name].join(".")}: ${why}`);
}

function newField({ parent }: Owner): string {
  const where = parent ? "the class or factory of the entry" : "state()";
  return `a field that is added here would be lost when the room hibernates: declare it in ${where}`;
}

function replace(owner: Owner, { declared }: Child, name: string, value: unknown): string | undefined {
  const field = fieldOf(value);
  if (!field && !isContainer(value)) return "it is a field and cannot be replaced: change its value with set()";
  if (!declared) return "it is made by the class or factory, so the change would be lost when the room hibernates";
  const difference = differenceBetween(declared, name, field, value as object);
  if (difference !== undefined) return `the new field has to be like the old one, but ${difference}`;
  try {
    owner.retake({ name, value: value as object, field });
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Whether all fields of an object, and of objects inside of it, are signals whose values are stored or sent. */
export function holdsValuesOnly(target: object): boolean {
  return membersOf(target).every(({ value, field }) => (field ? field.kind === "value" : holdsValuesOnly(value)));
}
