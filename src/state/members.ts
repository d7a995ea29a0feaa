import { HOSTILE_KEYS } from "../protocol/values.ts";
import type { Field } from "./field.ts";
import { HARMFUL_KEYS } from "./value-checks.ts";

/** What the state knows of an object that is part of it, or was. */
export interface StateNode {
  /** Of an entry, its key. */
  readonly key: string;
  /** Whether it is the state itself, or an entry of a collection, rather than an object inside one of them. */
  readonly isWhole: boolean;
  /** Of an entry of a collection with variants, the name of its own. */
  readonly kind: string | undefined;
  /** Whether every client may see it, as far as the fields in it allow. */
  readonly isForAll: boolean;
  /** The names that lead to it. */
  names(): string[];
  /** Whether an object or a signal in a property is part of it, and no reference. */
  holds(name: string, value: object): boolean;
}

export const FIELD = Symbol.for("durable-rooms.field");
/** What {@link id} leaves for the key: text, as the type of the property says, for who reads it too early. */
export const ID = "(the entry's key, once it is added)";
const NODE = Symbol.for("durable-rooms.node");
/** Remembers which property holds the key, for an entry that comes back under another one. */
const ID_NAME = Symbol("id");

/** Names that fields cannot have: a packet uses `pId` itself, and clients cannot follow the others. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(["pId", ...HOSTILE_KEYS, ...HARMFUL_KEYS]);
const FIELD_NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/** The field that a value was marked as, if it was. */
export function fieldOf(value: unknown): Field | undefined {
  return typeof value === "function" ? (value as { [FIELD]?: Field })[FIELD] : undefined;
}

/** Whether there are fields in an object, however deep. What it refers to, as to an entry, is not in it. */
export function holdsFields(value: object, seen = new Set<object>()): boolean {
  if (Array.isArray(value) || seen.has(value)) return false;
  seen.add(value);
  return Object.values(value).some(
    (inner: unknown) =>
      fieldOf(inner) !== undefined ||
      (typeof inner === "object" && inner !== null && !nodeOf(inner)?.isWhole && holdsFields(inner, seen)),
  );
}

/** Whether a property is the placeholder that {@link id} left for the entry's key. */
export function isId(value: unknown): boolean {
  return value === ID;
}

/** A property of an object in a state: a field, or without one an object that holds fields. */
export interface Member {
  readonly name: string;
  readonly value: object;
  readonly field: Field | undefined;
}

/**
 * The properties of an object that are fields, or objects that hold fields and are part of it alone. One that refers to
 * an entry, to the state, or to something around it, is neither.
 *
 * @param around the objects that it is inside of
 */
export function membersOf(target: object, around: readonly object[] = []): Member[] {
  const members: Member[] = [];
  const references: Member[] = [];
  for (const [name, value] of Object.entries(target) as [string, unknown][]) {
    const field = fieldOf(value);
    if (field || (typeof value === "object" && value !== null && isPart(value, [...around, target]))) {
      (field?.target ? references : members).push({ name, value: value as object, field });
    }
  }
  // Last, so that what they refer to is there.
  return references.length > 0 ? members.concat(references) : members;
}

function isPart(value: object, around: readonly object[]): boolean {
  return !nodeOf(value)?.isWhole && holdsFields(value, new Set(around));
}

/**
 * Notes that an object becomes part of a state, and fills in its key where {@link id} marked it. Only its members leave
 * the server from now on.
 *
 * @param around the objects that it is inside of
 * @param shape has the names of all members that it may have; undefined for any
 * @throws Error if a field has a name that clients cannot follow
 */
export function takeMembers(
  target: object,
  node: StateNode,
  around: readonly object[],
  shape: { has(name: string): boolean } | undefined,
): Member[] {
  Object.defineProperty(target, NODE, { value: node, configurable: true });
  fillId(target as Record<string | typeof ID_NAME, unknown>, node.key);
  const members = membersOf(target, around).filter(({ name }) => !shape || shape.has(name));
  const wrong = members.find(({ name }) => RESERVED_NAMES.has(name) || !FIELD_NAME.test(name));
  if (wrong) throw new Error(`"${[...node.names(), wrong.name].join(".")}" is a reserved name for a field`);
  return members;
}

function fillId(entry: Record<string | typeof ID_NAME, unknown>, key: string): void {
  const marked = Object.keys(entry).find((property) => isId(entry[property]));
  if (marked !== undefined) Object.defineProperty(entry, ID_NAME, { value: marked });
  if (entry[ID_NAME] !== undefined) entry[entry[ID_NAME] as string] = key;
}

/** The node of an object that is, or was, part of a state. */
export function nodeOf(target: object): StateNode | undefined {
  return (target as { [NODE]?: StateNode })[NODE];
}
