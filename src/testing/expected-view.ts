import { fieldOf, nodeOf } from "../state/members.ts";
import type { Condition, Field, Viewer } from "../state/field.ts";
import { nestDottedKeys, toPlain } from "../state/to-plain.ts";
import type { EntryNode } from "../state/node.ts";
import { SPECTATOR } from "../state/viewer.ts";
import { isPlain } from "../protocol/values.ts";

/** Stands for a field that cannot be read now. Clients keep its last value. */
export const UNREADABLE: unique symbol = Symbol("unreadable");

/** All conditions on the path to a field, and the user in whose innermost entry it is. */
interface Rule {
  readonly conditions: readonly Condition[];
  readonly owner: string | undefined;
}

const EVERYONE: Rule = { conditions: [], owner: undefined };

/** The place of an entry, and who may see it. */
interface Place {
  readonly key: string;
  readonly rule: Rule;
}
type Places = Map<object, Place>;

/**
 * Computes what a viewer should see of a state, only from the live signals: a slow and simple form of the rules that
 * the library's tree implements, independent of the tree.
 */
export function expectedView(state: object, viewer: Viewer): unknown {
  const places: Places = new Map();
  placeEntries(state, undefined, EVERYONE, places);
  return withoutEmpty(group(state, viewer, undefined, EVERYONE, places));
}

/** The entries of a collection, with who may see each, and its owner. */
function entriesOf(collection: unknown, field: Field, owner: string | undefined, outer: Rule) {
  return Object.entries((collection as () => Record<string, object>)()).map(([key, entry]) => {
    const entryOwner = field.kind === "users" ? key : owner;
    return { key, entry, owner: entryOwner, rule: narrow(outer, conditionOf(field, entry, entryOwner), entryOwner) };
  });
}

/** A property that is a reference is not part of the object. */
function isPart(target: object, name: string, value: unknown): value is object {
  return typeof value === "object" && value !== null && nodeOf(target)?.holds(name, value) === true;
}

function placeEntries(target: object, owner: string | undefined, outer: Rule, into: Places): void {
  for (const [name, value] of Object.entries(target)) {
    const field = fieldOf(value);
    if (isPart(target, name, value)) placeEntries(value, owner, outer, into);
    if (!field?.factory) continue;
    for (const { key, entry, rule, owner: entryOwner } of entriesOf(value, field, owner, outer)) {
      into.set(entry, { key, rule });
      placeEntries(entry, entryOwner, rule, into);
    }
  }
}

function group(
  target: object,
  viewer: Viewer,
  owner: string | undefined,
  outer: Rule,
  places: Places,
): Record<string, unknown> {
  const view: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(target)) {
    const field = fieldOf(value);
    if (field?.factory) {
      const entries = entriesOf(value, field, owner, outer);
      view[name] = Object.fromEntries(
        entries.map(({ key, entry, rule, ...own }) => [key, group(entry, viewer, own.owner, rule, places)]),
      );
    } else if (field?.synced) {
      if (!sees(viewer, narrow(outer, conditionOf(field, target, owner), owner))) continue;
      const shown = field.target ? keyOf(value, viewer, places) : read(value, field.transform);
      if (shown !== undefined) view[name] = shown;
    } else if (isPart(target, name, value)) {
      view[name] = group(value, viewer, owner, outer, places);
    }
  }
  return view;
}

/** The key of a reference, for viewers that may see it. */
function keyOf(reference: unknown, viewer: Viewer, places: Places): string | null | undefined {
  const entry = (reference as () => object | undefined)();
  const place = entry && places.get(entry);
  if (!place) return null;
  return sees(viewer, place.rule) ? place.key : undefined;
}

function conditionOf({ visibleTo, factory }: Field, entry: object, owner: string | undefined): "all" | Condition {
  if (typeof visibleTo !== "object") return visibleTo;
  // The cell of an entry depends on its previous place, which only the room knows.
  const placement = factory && visibleTo.rules.fields && (nodeOf(entry) as Partial<EntryNode> | undefined)?.placement;
  const known = placement && !placement.audience ? placement.seenBy : undefined;
  return known?.conditions[0] ?? visibleTo.condition(entry, owner);
}

function narrow(outer: Rule, visibility: "all" | Condition, owner: string | undefined): Rule {
  return visibility === "all" ? outer : { conditions: [...outer.conditions, visibility], owner };
}

/** A condition that throws, or does not return true, hides the field. */
function sees(viewer: Viewer, { conditions, owner }: Rule): boolean {
  if (viewer === SPECTATOR) return conditions.length === 0;
  const ask = (is: Rule["conditions"][number]): unknown =>
    is === "owner" ? owner === viewer.publicId : is(viewer, owner);
  try {
    return conditions.every((is) => ask(is) === true);
  } catch {
    return false;
  }
}

function read(signal: unknown, transform: ((value: unknown) => unknown) | undefined): unknown {
  try {
    const value = (signal as () => unknown)();
    return nestDottedKeys(toPlain(transform ? transform(value) : value, "sync")) ?? null;
  } catch {
    return UNREADABLE;
  }
}

/**
 * A plain value for comparison: without empty objects, which clients of `@signe/sync` cannot distinguish from missing
 * ones. Arrays are sent as a whole, so nothing is left out inside of them.
 */
export function withoutEmpty(value: unknown): unknown {
  if (!isPlain(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, withoutEmpty(inner)] as const);
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined && !isEmpty(inner)));
}

function isEmpty(value: unknown): boolean {
  return isPlain(value) && Object.keys(value).length === 0;
}
