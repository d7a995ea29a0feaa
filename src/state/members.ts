import type { Build } from "../protocol/build.ts";
import { HOSTILE_KEYS } from "../protocol/values.ts";
import type { Field } from "./field.ts";
import { HARMFUL_KEYS } from "./value-checks.ts";

/** The node of an object that is, or was, part of a state. */
export interface StateNode {
  /** The key of an entry. */
  readonly key: string;
  /** Whether it is the state itself or an entry of a collection, not an object inside of one of them. */
  readonly isWhole: boolean;
  /** The name of an entry's variant, in a collection with variants. */
  readonly kind: string | undefined;
  /** Whether every client may see it, except for fields that restrict it further. */
  readonly isForAll: boolean;
  /** The path to it. */
  names(): string[];
  /** Whether an object or a signal in a property is part of it, not a reference. */
  holds(name: string, value: object): boolean;
}

export const FIELD = Symbol.for("durable-rooms.field");
/** The placeholder of {@link id} for the key. It is text, as the type of the property says. */
export const ID = "(the entry's key, once it is added)";
const NODE = Symbol.for("durable-rooms.node");
/** Remembers the property with the key, for an entry that is added again under another key. */
const ID_NAME = Symbol("id");

/** Reserved names of fields: packets use `pId`, and clients cannot handle the others. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(["pId", ...HOSTILE_KEYS, ...HARMFUL_KEYS]);
const FIELD_NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/** The mark of a value. Undefined if it is not a field. */
export function fieldOf(value: unknown): Field | undefined {
  return typeof value === "function" ? (value as { [FIELD]?: Field })[FIELD] : undefined;
}

/** Whether an object contains fields at any depth. Objects that it refers to, such as entries, do not count. */
export function holdsFields(value: object, seen = new Set<object>()): boolean {
  if (Array.isArray(value) || seen.has(value)) return false;
  seen.add(value);
  return Object.values(value).some(
    (inner: unknown) =>
      fieldOf(inner) !== undefined ||
      (typeof inner === "object" && inner !== null && !nodeOf(inner)?.isWhole && holdsFields(inner, seen)),
  );
}

/** Whether a property is the placeholder of {@link id}. */
export function isId(value: unknown): boolean {
  return value === ID;
}

/** A property of an object in a state: a field, or an object of fields without a mark. */
export interface Member {
  readonly name: string;
  readonly value: object;
  readonly field: Field | undefined;
}

/**
 * The properties of an object that are fields or objects of fields. References to an entry, to the state, or to an
 * object around it are left out.
 *
 * @param around the objects around it
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
  // References come last, so that their targets exist.
  return references.length > 0 ? members.concat(references) : members;
}

function isPart(value: object, around: readonly object[]): boolean {
  return !nodeOf(value)?.isWhole && holdsFields(value, new Set(around));
}

/**
 * Registers an object as part of a state, and sets the property with {@link id} to its key. From now on, only its
 * members are sent.
 *
 * @param around the objects around it
 * @param shape the members that it may have. Undefined for any
 * @throws Error if a field has a reserved name, in development and in tests
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
  if ((globalThis as Build).process?.env?.NODE_ENV !== "production") checkNames(members, node);
  return members;
}

function checkNames(members: readonly Member[], node: StateNode): void {
  const wrong = members.find(({ name }) => RESERVED_NAMES.has(name) || !FIELD_NAME.test(name));
  if (wrong) throw new Error(`"${[...node.names(), wrong.name].join(".")}" is a reserved name for a field`);
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
