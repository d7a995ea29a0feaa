import { isPlain } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import { fieldOf, makeEntry } from "./fields.ts";
import type { Factory } from "./fields.ts";
import { toPlain } from "./to-plain.ts";

type Settable = { set(value: unknown): void };

/**
 * All that is stored of an entry, as plain data: its fields by name, with the entries inside it by key. Fields with
 * `persist: false`, computed ones and `connected()` are not in it. The entry may be part of a state, or not.
 *
 * @throws Error if it is no entry
 * @example
 * import { loadInto, snapshotOf } from "durable-rooms";
 * const saved = snapshotOf(user); // { x: 1, items: { sword: { count: 1 } } }
 * loadInto(user, saved); // as it was
 */
export function snapshotOf(entry: object): Record<string, unknown> {
  const snapshot = toPlain(entry, "store");
  if (!isPlain(snapshot)) throw new Error("snapshotOf() takes an entry: what a class or factory of a collection makes");
  return snapshot;
}

/**
 * Sets the fields of an entry to what {@link snapshotOf} gave of one like it. Entries inside it are made anew, and those
 * that the snapshot does not have are removed. A field that the snapshot does not have stays as it is. If the entry is
 * part of a state, this is a change like any other: it is checked, stored and sent.
 *
 * @throws RoomError that names the path, if a value cannot be set; then the entry is as it was
 * @example
 * import { loadInto, snapshotOf } from "durable-rooms";
 * loadInto(user, { ...snapshotOf(user), x: 0 });
 */
export function loadInto(entry: object, snapshot: Readonly<Record<string, unknown>>): void {
  const before = snapshotOf(entry);
  try {
    load(entry, snapshot);
  } catch (error) {
    load(entry, before);
    throw error;
  }
}

function load(target: object, snapshot: Readonly<Plain>): void {
  for (const [name, value] of Object.entries(target)) {
    if (!Object.hasOwn(snapshot, name)) continue;
    const stored = snapshot[name];
    const field = fieldOf(value);
    if (field?.factory) (value as Settable).set(entriesOf(field.factory, stored));
    else if (field?.kind === "value" && field.persisted) (value as Settable).set(stored);
    else if (!field && isPlain(value) && isPlain(stored)) load(value, stored);
  }
}

function entriesOf(factory: Factory<object>, stored: unknown): Record<string, object> {
  return Object.fromEntries(
    Object.entries(isPlain(stored) ? stored : {}).map(([key, snapshot]) => {
      const entry = makeEntry(factory, key);
      if (isPlain(snapshot)) load(entry, snapshot);
      return [key, entry];
    }),
  );
}
