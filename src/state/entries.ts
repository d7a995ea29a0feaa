import type { Signal, WritableObjectSignal } from "@signe/reactive";
import { DELETE } from "../protocol/packets.ts";
import type { Audience } from "./audience.ts";
import { put, SAME } from "./diff.ts";
import { fieldOf, makeEntry } from "./fields.ts";
import type { Factory, Field } from "./fields.ts";
import type { Leaf } from "./leaf.ts";
import type { EntryNode, InnerNode, ParentNode, Place, PrivateChange, Sees, Shared } from "./node.ts";
import { refused, shapeOf } from "./refusal.ts";
import { encodeKey, Row } from "./rows.ts";
import { track } from "./tracking.ts";
import type { Door } from "./tracking.ts";

/** Longer keys would not fit a storage key with their path. */
const MAX_KEY = 512;

/** An entry that clients know of and that is gone, of which only that is known. */
interface Ghost {
  known(): Record<string, unknown>;
}

type EntriesSignal = WritableObjectSignal<Record<string, object>>;

/** A `users` or `collection` field: entries by key, each shared and stored on its own. */
export class Entries implements Door, InnerNode, ParentNode {
  readonly synced = true;
  readonly shape = "object";
  readonly key: string;
  readonly children = new Map<string, EntryNode>();
  readonly signal: EntriesSignal;
  readonly persisted: boolean;
  readonly audience: Audience | undefined;
  readonly hidden = false;
  privateCount = 0;
  readonly #shared: Shared;
  readonly #parent: ParentNode;
  readonly #owner: string | undefined;
  readonly #field: Field;
  readonly #dirty = new Set<string>();
  /** What clients knew under the keys whose entry was added, removed or replaced since. */
  readonly #before = new Map<string, EntryNode | Ghost | undefined>();
  #text: string | undefined;

  constructor(
    shared: Shared,
    parent: ParentNode,
    key: string,
    signal: EntriesSignal,
    field: Field,
    place: Omit<Place, "row">,
  ) {
    this.#shared = shared;
    this.#owner = place.owner;
    this.#parent = parent;
    this.#field = field;
    this.key = key;
    this.signal = signal;
    this.persisted = place.persisted && field.persisted;
    this.audience = place.audience;
    if (field.kind === "users") shared.foundUsers(this);
    const initial = Object.entries(signal());
    track(signal as Signal, this);
    for (const [name, target] of initial) this.entry(name, target);
  }

  get attached(): boolean {
    return this.#parent.attached;
  }

  names(): string[] {
    return [...this.#parent.names(), this.key];
  }

  path(): string {
    return this.names().join(".");
  }

  /** Entries report for themselves. */
  changed(): void {}

  get(key: string): object | undefined {
    return this.children.get(key)?.target;
  }

  /** Makes an entry with the field's class or factory. */
  make(key: string): object {
    return makeEntry(this.#field.factory as Factory<object>, key);
  }

  /** Makes an entry, and adds it. */
  create(key: string): object {
    const target = this.make(key);
    this.signal()[key] = target;
    return target;
  }

  /** What is stored of an entry, with the entries inside it. */
  snapshot(key: string): Record<string, unknown> | undefined {
    return this.children.get(key)?.snapshot();
  }

  /** An entry is about to be set, or removed. */
  entry(key: string, target: unknown): void {
    const previous = this.children.get(key);
    if (target !== undefined) this.#check(key, target);
    if (!this.#before.has(key)) this.#before.set(key, previous);
    if (previous) this.#remove(key, previous);
    if (target !== undefined) this.#add(key, target as object);
    this.childChanged(key);
  }

  childChanged(key: string): void {
    const wasDirty = this.#dirty.size > 0;
    this.#dirty.add(key);
    if (!wasDirty) this.#parent.childChanged(this.key);
  }

  settle(changes: PrivateChange[]): unknown {
    const patch: Record<string, unknown> = {};
    for (const key of this.#dirty) {
      const change = this.#settleEntry(key, changes);
      if (change !== SAME) put(patch, key, change);
    }
    this.#dirty.clear();
    this.#before.clear();
    this.#text = undefined;
    return Object.keys(patch).length > 0 ? patch : SAME;
  }

  #settleEntry(key: string, changes: PrivateChange[]): unknown {
    const child = this.children.get(key);
    const known = this.#before.has(key) ? this.#before.get(key) : child;
    if (!child) return known ? this.#settleRemoval(key, changes) : SAME;
    if (known === child) return child.settle(changes);
    if (known) this.#adoptEntry(child, known, changes);
    const change = child.settle(changes);
    // Everyone may know that a new entry is there, even if it has nothing to show.
    return change === SAME && !known && !this.audience ? {} : change;
  }

  #adoptEntry(child: EntryNode, known: EntryNode | Ghost, changes: PrivateChange[]): void {
    if ("adopt" in known) child.adopt(known, changes);
    else child.assume(known.known());
  }

  #settleRemoval(key: string, changes: PrivateChange[]): unknown {
    const audience = this.#audienceOf(key);
    if (!audience) return DELETE;
    changes.push({ names: [...this.names(), key], audience, value: DELETE, leaf: undefined });
    return SAME;
  }

  /** Who sees an entry: of a `users` field, each is owned by its user. */
  #audienceOf(key: string): Audience | undefined {
    return this.audience && this.#field.kind === "users" ? { ...this.audience, owner: key } : this.audience;
  }

  /** Goes on from what clients know of the collection that was here before. */
  adopt(previous: Entries): void {
    const known = new Map<string, EntryNode | Ghost | undefined>(previous.children);
    for (const [key, child] of previous.#before) known.set(key, child);
    for (const [key, child] of known) {
      this.#before.set(key, child);
      this.#dirty.add(key);
    }
  }

  textFor(sees: Sees): string {
    if (this.privateCount === 0 && this.#text !== undefined) return this.#text;
    const parts: string[] = [];
    for (const [key, child] of this.children) {
      const text = child.textFor(sees);
      if (!this.audience || text !== "{}") parts.push(`${JSON.stringify(key)}:${text}`);
    }
    const text = `{${parts.join(",")}}`;
    if (this.privateCount === 0) this.#text = text;
    return text;
  }

  privateLeaves(into: Leaf[]): void {
    if (this.privateCount > 0) for (const child of this.children.values()) child.privateLeaves(into);
  }

  load(values: Record<string, unknown>): boolean {
    for (const [key, stored] of Object.entries(values)) {
      if (shapeOf(stored) !== "object") continue;
      if (!this.children.has(key)) this.create(key);
      const child = this.children.get(key) as EntryNode;
      const isIncomplete = child.load(stored as Record<string, unknown>);
      // A field that the stored entry lacks may have been made at random: keep what it is now.
      if (isIncomplete && this.persisted) child.place.row.changed(true);
    }
    // The collection itself is never missing.
    return false;
  }

  saveAll(): void {
    for (const entry of this.children.values()) this.#saveEntry(entry);
  }

  known(): Record<string, unknown> {
    const entries = new Map<string, EntryNode | Ghost | undefined>(this.children);
    for (const [key, before] of this.#before) entries.set(key, before);
    const known: Record<string, unknown> = {};
    for (const [key, entry] of entries) if (entry) known[key] = entry.known();
    return known;
  }

  assume(known: Record<string, unknown>): void {
    for (const [key, child] of this.children) {
      const value = Object.hasOwn(known, key) ? known[key] : undefined;
      if (value === undefined) this.#before.set(key, undefined);
      child.assume((value ?? {}) as Record<string, unknown>);
      this.#dirty.add(key);
    }
    for (const [key, value] of Object.entries(known)) {
      if (this.children.has(key)) continue;
      this.#before.set(key, { known: () => value as Record<string, unknown> });
      this.#dirty.add(key);
    }
    this.#text = undefined;
  }

  removeRows(): void {
    for (const entry of this.children.values()) entry.removeRows();
  }

  countPrivate(change: number): void {
    this.privateCount += change;
    this.#text = undefined;
    this.#parent.countPrivate(change);
  }

  stop(): void {
    for (const child of this.children.values()) child.stop();
  }

  #check(key: string, target: unknown): void {
    if (key.length > MAX_KEY)
      throw refused(this, [`${key.slice(0, 32)}…`], "invalid_input", `a key has ${MAX_KEY} characters at most`);
    // In storage all halves of a character are the same.
    if (!key.isWellFormed()) throw refused(this, [key], "invalid_input", "a key holds whole characters only");
    if (shapeOf(target) !== "object" || !Object.values(target as object).some(isMarked)) {
      throw refused(this, [key], "internal", "an entry is what the collection's class or factory makes");
    }
    const group = this.#shared.entries.get(target as object);
    if (group?.attached && this.children.get(key) !== group) {
      throw refused(this, [key], "internal", `this entry is part of the state already, at ${group.names().join(".")}`);
    }
  }

  #add(key: string, target: object): void {
    const names = [...this.names(), key];
    const row = new Row(this.#shared.rows, encodeKey(names), (persisted) => this.#readRow(key, persisted));
    const owner = this.#field.kind === "users" ? key : this.#owner;
    const entry = this.#shared.makeEntry(this, key, target, {
      row,
      owner,
      persisted: this.persisted,
      audience: this.#audienceOf(key),
    });
    this.#shared.entries.set(target, entry);
    this.children.set(key, entry);
    if (entry.privateCount > 0) this.countPrivate(entry.privateCount);
    if (!entry.attached) return;
    this.#saveEntry(entry);
    if (this.#field.kind === "users") this.#shared.onUser(key);
  }

  #saveEntry(entry: EntryNode): void {
    const { row } = entry.place;
    row.changed(this.persisted);
    if (this.persisted && entry.stored(false)) row.changed(false);
    entry.saveAll();
  }

  #remove(key: string, entry: EntryNode): void {
    this.children.delete(key);
    if (entry.attached) entry.removeRows();
    entry.remove();
  }

  #readRow(key: string, persisted: boolean): unknown {
    const group = this.children.get(key);
    if (!group) return undefined;
    const values = group.stored(persisted);
    return persisted === this.persisted ? (values ?? {}) : values;
  }
}

function isMarked(value: unknown): boolean {
  if (fieldOf(value)) return true;
  return (
    typeof value === "object" && value !== null && Object.values(value).some((inner) => fieldOf(inner) !== undefined)
  );
}
