import { fieldOf, nodeOf } from "../state/fields.ts";
import type { Viewer, Visibility } from "../state/fields.ts";
import { nestDottedKeys, toPlain } from "../state/to-plain.ts";
import { isPlain } from "../protocol/values.ts";

/** Stands where a field cannot be read now: clients keep what was sent to them last. */
export const UNREADABLE: unique symbol = Symbol("unreadable");

/** Every condition on the way to a field, and the user whose entry the innermost of them is in. */
interface Rule {
  readonly conditions: readonly Exclude<Visibility, "all">[];
  readonly owner: string | undefined;
}

const EVERYONE: Rule = { conditions: [], owner: undefined };

/**
 * What a viewer should see of a state, read off the live signals alone: a slow and simple statement of the
 * rules that the library's tree implements, independent of what the tree keeps.
 */
export function expectedView(state: object, viewer: Viewer): unknown {
  return withoutEmpty(group(state, viewer, undefined, EVERYONE));
}

function group(target: object, viewer: Viewer, owner: string | undefined, outer: Rule): Record<string, unknown> {
  const view: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(target)) {
    const field = fieldOf(value);
    if (field?.factory) {
      const entries = Object.entries((value as () => Record<string, object>)());
      view[name] = Object.fromEntries(
        entries.map(([key, entry]) => {
          const entryOwner = field.kind === "users" ? key : owner;
          return [key, group(entry, viewer, entryOwner, narrow(outer, field.visibleTo, entryOwner))];
        }),
      );
    } else if (field?.synced) {
      if (sees(viewer, narrow(outer, field.visibleTo, owner))) view[name] = read(value, field.transform);
    } else if (typeof value === "object" && value !== null && nodeOf(target)?.holds(name, value)) {
      view[name] = group(value, viewer, owner, outer);
    }
  }
  return view;
}

function narrow(outer: Rule, visibility: Visibility, owner: string | undefined): Rule {
  return visibility === "all" ? outer : { conditions: [...outer.conditions, visibility], owner };
}

/** What throws, or is not true, shows nothing. */
function sees(viewer: Viewer, { conditions, owner }: Rule): boolean {
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
 * A plain value as it counts for convergence: without empty objects, which clients of `@signe/sync` cannot tell
 * from nothing. Arrays are always sent whole, so inside them nothing is left out.
 */
export function withoutEmpty(value: unknown): unknown {
  if (!isPlain(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, withoutEmpty(inner)] as const);
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined && !isEmpty(inner)));
}

function isEmpty(value: unknown): boolean {
  return isPlain(value) && Object.keys(value).length === 0;
}
