import type { Sees } from "./audience.ts";
import type { Group } from "./group.ts";
import { Leaf } from "./leaf.ts";
import type { Plain } from "../protocol/values.ts";

/**
 * What a viewer would get of an entry now, as plain values. Objects and collections inside of it have the values that
 * were sent last, and are read only on demand.
 */
export function viewOfEntry(entry: Group, sees: Sees): Readonly<Plain> {
  const view: Plain = {};
  for (const [name, child] of entry.children) {
    if (!(child instanceof Leaf)) {
      if (!child.hidden) lazily(view, name, () => parsed(child.textFor(sees)));
    } else if (child.synced && (!child.audience || sees(child.audience))) view[name] = child.current();
  }
  return view;
}

/**
 * What viewers were sent of a state, as plain values. Each field is read on demand, and once for all viewers that see
 * the same.
 */
export class StateViews {
  readonly #root: Group;
  readonly #read = new Map<string, { readonly text: string; readonly value: unknown }>();

  constructor(root: Group) {
    this.#root = root;
  }

  of(sees: Sees): Readonly<Plain> {
    const view: Plain = {};
    for (const [name, child] of this.#root.children)
      if (!child.hidden) lazily(view, name, () => this.#value(name, child.textFor(sees)));
    return view;
  }

  #value(name: string, text: string | undefined): unknown {
    if (text === undefined) return undefined;
    const known = this.#read.get(name);
    if (known?.text === text) return known.value;
    const value: unknown = JSON.parse(text);
    this.#read.set(name, { text, value });
    return value;
  }
}

function parsed(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}

function lazily(view: Plain, name: string, get: () => unknown): void {
  Object.defineProperty(view, name, { get, enumerable: true });
}
