import type { Build } from "../protocol/build.ts";
import { isContainer } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import { rowValue } from "./entry-values.ts";
import { exampleOf } from "./kinds.ts";
import type { CollectionField, Factories } from "./field.ts";
import { isId, nodeOf } from "./members.ts";
import type { EntryNode, Shared } from "./node.ts";

/** The value of an entry's row. Assigned fields are taken first, and properties that hibernation loses are reported. */
export function rowValueOf(
  entry: EntryNode | undefined,
  persisted: boolean,
  { shared, field }: { readonly shared: Shared; readonly field: CollectionField },
): unknown {
  if (!entry) return undefined;
  try {
    entry.takeAssigned();
  } catch (error) {
    shared.onError(error);
  }
  if ((globalThis as Build).process?.env?.NODE_ENV !== "production") adviseOnLost(entry, field.factory, shared);
  return rowValue(entry, persisted);
}

/**
 * Looks for plain properties of an entry that were set and would be lost by hibernation: references to other entries,
 * and values that the class or factory does not make by itself.
 */
function adviseOnLost(entry: EntryNode, factories: Factories, shared: Shared): void {
  try {
    const example = exampleOf(shared, factories, entry.kind);
    advise(entry, example, String(entry.parent?.names().at(-1)), shared);
  } catch {
    // If the factory throws for an example, there is no advice.
  }
}

/** The same for the state itself, or an object inside of it. @param made the properties that it was made with */
export function adviseOnState(group: EntryNode, made: Plain, shared: Shared): void {
  advise(group, made, group.names().join("."), shared);
}

/** @param owner the name of the property's owner, under which it is logged once */
function advise(entry: EntryNode, example: Plain | undefined, owner: string, shared: Shared): void {
  for (const [name, value] of Object.entries(entry.target) as [string, unknown][]) {
    const advice = adviceFor(entry, example, name, value);
    const kind = advice && `${owner}.${name}`;
    if (!kind || shared.lost.has(kind)) continue;
    shared.lost.add(kind);
    shared.onLost([...entry.names(), name].join("."), advice);
  }
}

function adviceFor(entry: EntryNode, example: Plain | undefined, name: string, value: unknown): string | undefined {
  const made = example?.[name];
  // Functions, fields and other signals are made again.
  if (typeof value === "function" || Object.is(value, made) || isId(made)) return undefined;
  if (isContainer(value)) {
    if (value === entry.target || entry.holds(name, value)) return undefined;
    const referred = nodeOf(value)?.names().join(".");
    if (referred) return `refers to ${referred}, which is lost when the room hibernates: use reference()`;
  }
  const isMadeAgain = !example || (isContainer(value) && isContainer(made));
  return isMadeAgain ? undefined : PLAIN;
}

const PLAIN = "is a plain property and is lost when the room hibernates: use a signal with sync() or persist()";
