import { isComputed, isSignal } from "@signe/reactive";
import { isContainer } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import { makeBy } from "./marks.ts";
import { fieldOf } from "./members.ts";

/**
 * Finds values that `state()` does not make itself and that rooms may change: signals, objects, and fields of entries.
 * Rooms in one isolate share them. For development, since it makes two states.
 * @returns their paths
 */
export function findShared(state: () => object): string[] {
  const found: string[] = [];
  compare(attempt(state), attempt(state), [], found, new Set());
  return found;
}

/** @param names the path @param around the objects around them */
function compare(one: unknown, other: unknown, names: readonly string[], found: string[], around: Set<unknown>): void {
  if (!isContainer(one) || !isContainer(other) || around.has(one)) return;
  around.add(one);
  for (const [name, value] of Object.entries(one)) {
    compareProperty(value, (other as Plain)[name], [...names, name], found, around);
  }
  around.delete(one);
}

function compareProperty(
  value: unknown,
  twin: unknown,
  names: readonly string[],
  found: string[],
  around: Set<unknown>,
): void {
  const field = fieldOf(value);
  const isReactive = field !== undefined || isSignal(value);
  if (value === twin && (isReactive || isContainer(value))) {
    if (isReactive || !Object.isFrozen(value)) found.push(names.join("."));
  } else if (field?.factory) {
    for (const make of typeof field.factory === "function" ? [field.factory] : field.factory.values()) {
      const entry = () => attempt(() => makeBy(make, ""));
      compare(entry(), entry(), [...names, "*"], found, around);
    }
  } else if (field ? field.kind === "value" : isReactive && !isComputed(value)) {
    compare((value as () => unknown)(), (twin as () => unknown)?.(), names, found, around);
  } else compare(value, twin, names, found, around);
}

/** If an example cannot be made, it is not compared. */
function attempt(make: () => object): unknown {
  try {
    const made = make();
    if (made instanceof Promise) made.catch(() => {});
    return made;
  } catch {
    return undefined;
  }
}
