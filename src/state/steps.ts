import { promiseOf } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import type { Sees } from "./audience.ts";
import { Leaf } from "./leaf.ts";
import type { InnerNode } from "./node.ts";

/** The parts of the state, or of an entry, that steps read. */
interface Fields {
  readonly children: ReadonlyMap<string, Leaf | Pick<InnerNode, "hidden" | "textFor">>;
}

/** What a step gets besides the entry and its input: see `StepContext`. */
interface Given {
  readonly dt: number;
  readonly state: Readonly<Plain>;
}

/** Runs the steps of inputs: functions of an entry, as its own client sees it, that return the fields that change. */
export class Steps {
  readonly #views: StateViews;
  readonly #dt: number;

  /** @param root the state */
  constructor(root: Fields, hz: number) {
    this.#views = new StateViews(root);
    this.#dt = 1 / hz;
  }

  /** @param sees what the client of the entry sees @throws Error if a returned value is refused. Then nothing changes */
  run(entry: Fields & { readonly target: object }, sees: Sees, step: (view: Readonly<Plain>, given: Given) => Plain) {
    const views = this.#views;
    const given = {
      dt: this.#dt,
      get state() {
        return views.of(sees);
      },
    };
    set(entry.target as Plain, step(viewOfEntry(entry, sees), given));
  }
}

/**
 * What a viewer would get of an entry now, as plain values. Objects and collections inside of it have the values that
 * were sent last, and are read only on demand.
 */
function viewOfEntry(entry: Fields, sees: Sees): Readonly<Plain> {
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
class StateViews {
  readonly #root: Fields;
  readonly #read = new Map<string, { readonly text: string; readonly value: unknown }>();

  constructor(root: Fields) {
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

/** A writable field of an entry. */
interface Settable {
  (): unknown;
  set(value: unknown): void;
}

/** Sets fields of an entry: all of them, or none if one value is refused. */
function set(entry: Plain, values: Readonly<Plain>): void {
  const pending = promiseOf<unknown>(values);
  pending?.catch(() => {});
  if (pending) throw new Error("A step cannot be async: it returns the fields that change");
  const before: [field: Settable, value: unknown][] = [];
  try {
    for (const [name, value] of Object.entries(values)) {
      const field = fieldOf(entry, name);
      before.push([field, field()]);
      // JSON has no -0.
      field.set(typeof value === "number" ? value + 0 : value);
    }
  } catch (error) {
    for (const [field, value] of before) field.set(value);
    throw error;
  }
}

/** @throws Error if there is no such field */
function fieldOf(entry: Plain, name: string): Settable {
  const field = Object.hasOwn(entry, name) ? (entry[name] as Partial<Settable> | undefined) : undefined;
  if (typeof field?.set === "function") return field as Settable;
  throw new Error(`A step returned "${name}", which is not a writable field of the entry`);
}
