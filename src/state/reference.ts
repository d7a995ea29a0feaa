import { signal, untracked } from "@signe/reactive";
import { RoomError } from "../protocol/errors.ts";
import type { Purpose, ReferenceTarget } from "./field.ts";
import { mark } from "./marks.ts";
import type { FieldOptions, Synced } from "./marks.ts";
import { nodeOf } from "./members.ts";
import { ReferenceLeaf } from "./reference-leaf.ts";

declare const REFERENCE: unique symbol;

/** A field that refers to an entry of a collection: see {@link reference}. */
export interface Reference<T extends object> extends Synced {
  /** Returns the entry, or undefined if there is none under its key. */
  (): T | undefined;
  /**
   * Refers to another entry. Undefined refers to none.
   *
   * @throws RoomError `internal` if it is not an entry of the collection
   */
  set(entry: T | undefined): void;
  readonly [REFERENCE]: true;
}

/**
 * A field that refers to an entry of a collection or to a user. The key of the entry is sent and stored, so the
 * reference survives a restart. Clients get the key, or null if there is no entry. A client that may not see the entry
 * does not get the field.
 *
 * @param entries returns the entries of the collection or of `users`
 * @param options `persist` (default true), `visibleTo` (default `"all"`)
 * @throws Error if `entries` is not a function
 * @example
 * import { collection, reference, sync, users } from "durable-rooms";
 * class Player { x = sync(signal(0)) }
 * const state = () => {
 *   const players = users(Player);
 *   class Bullet { owner = reference(() => players()) }
 *   return { players, bullets: collection(Bullet) };
 * };
 */
export function reference<T extends object>(
  entries: () => Readonly<Record<string, T>>,
  options: Pick<FieldOptions, "persist" | "visibleTo"> = {},
): Reference<T> {
  if (typeof entries !== "function") {
    throw new Error("reference() takes a function that returns the entries of a collection: () => state.players()");
  }
  const key = signal<string | null>(null);
  const read = () => entryAt(entries(), key());
  const keyFor = (purpose: Purpose) => (purpose === "store" || isForAll(read()) ? key() : null);
  const target: ReferenceTarget = { key, entries, read, keyFor, path: () => "A reference", Leaf: ReferenceLeaf };
  const set = (entry: T | undefined) => key.set(entry ? untracked(() => keyOf(target, entry)) : null);
  const { persist: persisted = true, visibleTo = "all" } = options;
  return mark(Object.assign(read, { set }), {
    kind: "reference",
    persisted,
    visibleTo,
    target,
  }) as unknown as Reference<T>;
}

function isForAll(entry: object | undefined): boolean {
  return entry !== undefined && nodeOf(entry)?.isForAll === true;
}

/** The entry under a key. If it is in storage, it is read now. */
function entryAt<T extends object>(entries: Readonly<Record<string, T>>, key: string | null): T | undefined {
  return key !== null && Object.hasOwn(entries, key) ? entries[key] : undefined;
}

function keyOf(target: ReferenceTarget, entry: object): string {
  const entries = target.entries();
  const node = nodeOf(entry);
  // Before the room runs, entries do not know their keys.
  const key = node ? node.key : Object.keys(entries).find((name) => entries[name] === entry);
  if (key !== undefined && entryAt(entries, key) === entry) return key;
  throw new RoomError("internal", `${target.path()}: the entry is not in the collection; add it first`);
}
