import { RoomError } from "../protocol/errors.ts";
import { isPlain } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import { membersOf, nodeOf } from "./members.ts";
import { KIND_KEY, makeEntry } from "./marks.ts";
import type { Factories, ReferenceTarget } from "./field.ts";
import { EntryKinds } from "./kinds.ts";
import { toPlain } from "./to-plain.ts";

type Entries = Readonly<Record<string, object>>;
type Settable = { set(value: unknown): void };

/**
 * Returns the stored values of an entry as plain data: its fields by name, and entries inside of it by key. Fields with
 * `persist: false`, computed fields and `connected()` are left out. The entry need not be part of a state.
 *
 * @throws Error if the object has no fields
 * @example
 * import { loadInto, snapshotOf } from "durable-rooms";
 * const saved = snapshotOf(user); // { x: 1, items: { sword: { count: 1 } } }
 * loadInto(user, saved); // as it was
 */
export function snapshotOf(entry: object): Record<string, unknown> {
  const members = membersOf(entry);
  if (members.length === 0)
    throw new Error("snapshotOf() takes an entry that the class or factory of a collection made");
  const snapshot: Plain = {};
  for (const { name, value, field } of members) {
    if (!field) snapshot[name] = snapshotOf(value);
    else if (!field.persisted) continue;
    else if (field.factory) snapshot[name] = snapshotsOf(field.factory, (value as () => Entries)());
    else snapshot[name] = toPlain((field.target?.key ?? (value as () => unknown))(), "store");
  }
  return snapshot;
}

function snapshotsOf(factories: Factories, entries: Entries): Plain {
  return Object.fromEntries(
    Object.entries(entries).map(([key, entry]) => {
      const kind = kindOf(factories, key, entry);
      return [key, { ...snapshotOf(entry), ...(kind !== undefined && { [KIND_KEY]: kind }) }];
    }),
  );
}

function kindOf(factories: Factories, key: string, entry: object): string | undefined {
  const known = nodeOf(entry)?.kind;
  if (known !== undefined || typeof factories === "function") return known;
  const kind = new EntryKinds(factories).of(key, entry, () => false);
  return typeof kind === "string" ? undefined : kind.name;
}

/**
 * Sets the fields of an entry to the values of a snapshot of {@link snapshotOf}. Entries inside of it are replaced, and
 * those that the snapshot does not have are removed. A field that the snapshot does not have keeps its value. If the
 * entry is part of a state, the change is checked, stored and sent like any other.
 *
 * @throws RoomError that names the path, if a value cannot be set. The entry then keeps its values
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
  for (const { name, value, field } of membersOf(target)) {
    if (!Object.hasOwn(snapshot, name)) continue;
    const stored = snapshot[name];
    if (!field) {
      if (isPlain(stored)) load(value, stored);
    } else if (field.target) {
      if (field.persisted) loadReference(field.target, stored);
    } else if (field.persisted) {
      (value as unknown as Settable).set(field.factory ? entriesOf(field.factory, stored) : stored);
    }
  }
}

function loadReference({ key, path }: ReferenceTarget, stored: unknown): void {
  if (stored !== null && typeof stored !== "string") {
    throw new RoomError("internal", `${path()}: a snapshot of a reference is the key of an entry, or null`);
  }
  key.set(stored);
}

function entriesOf(factories: Factories, stored: unknown): Record<string, object> {
  return Object.fromEntries(
    Object.entries(isPlain(stored) ? stored : {}).map(([key, snapshot]) => {
      const plain = isPlain(snapshot) ? snapshot : {};
      const { target } = makeEntry(factories, key, plain);
      load(target, plain);
      return [key, target];
    }),
  );
}
