import type { Signal, WritableObjectSignal } from "@signe/reactive";
import type { Audience, Sees } from "./audience.ts";
import { put, SAME } from "./diff.ts";
import { UnreadEntries } from "./unread-entries.ts";
import type { StoredEntries } from "./unread-entries.ts";
import { checkAll, checkNew } from "./entry-checks.ts";
import { EntryPlaces } from "./entry-places.ts";
import { fitting, goOn, loadEntry, readEntry, saveEntry } from "./entry-rows.ts";
import { makeEntry } from "./fields.ts";
import type { Factory, Field } from "./fields.ts";
import type { Leaf } from "./leaf.ts";
import { checkStored } from "./load-fields.ts";
import type { EntryNode, Ghost, InnerNode, ParentNode, Place, PrivateChange, Shared } from "./node.ts";
import { createTemplate } from "./entry-template.ts";
import { track, unwrap } from "./tracking.ts";
import type { FieldGate } from "./tracking.ts";

type EntriesSignal = WritableObjectSignal<Record<string, object>>;

/** A `users` or `collection` field: entries by key, each shared and stored on its own. */
export class Entries implements FieldGate, InnerNode, ParentNode {
  readonly synced = true;
  readonly shape = "object";
  readonly key: string;
  readonly signal: EntriesSignal;
  readonly hidden = false;
  readonly audience: Audience | undefined;
  readonly fits = (): boolean => false;
  privateCount = 0;
  readonly #shared: Shared;
  readonly #parent: ParentNode;
  readonly #places: EntryPlaces;
  readonly #field: Field;
  readonly #awake = new Map<string, EntryNode>();
  readonly #dormant = new UnreadEntries(
    () => unwrap(this.signal()) as Record<string, unknown>,
    (key, stored) => this.#revive(key, stored),
  );
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
    this.#parent = parent;
    this.#field = field;
    this.key = key;
    this.signal = signal;
    this.audience = place.audience;
    this.#places = new EntryPlaces(field, place, () => this.names());
    if (field.kind === "users") shared.foundUsers(this);
    const initial = Object.entries(signal());
    track(signal as Signal, this);
    for (const [name, target] of initial) this.entry(name, target);
  }

  get attached(): boolean {
    return this.#parent.attached;
  }

  /** All entries. Those that were only stored so far are made. */
  get children(): ReadonlyMap<string, EntryNode> {
    this.#dormant.wakeAll();
    return this.#awake;
  }

  names(): string[] {
    return [...this.#parent.names(), this.key];
  }

  path(): string {
    return this.names().join(".");
  }

  coverOf(sees: Sees): string[] | undefined {
    return this.#parent.coverOf(sees);
  }

  /** Entries report for themselves. */
  changed(): void {}

  get(key: string): object | undefined {
    return this.#entry(key)?.target;
  }

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
    return this.#entry(key)?.snapshot();
  }

  /** An entry is about to be set, or removed. */
  entry(key: string, target: unknown): void {
    const previous = this.#entry(key);
    if (target !== undefined) checkNew(this, this.#shared.entries, key, target);
    this.#dormant.pass(key);
    if (!this.#before.has(key)) this.#before.set(key, previous);
    this.#awake.delete(key);
    previous?.remove();
    try {
      if (target !== undefined) this.#add(key, target as object);
    } catch (error) {
      // The collection's own value has it still.
      if (previous) this.#add(key, previous.target);
      throw error;
    } finally {
      this.childChanged(key);
    }
  }

  replacing(next: Readonly<Record<string, unknown>>): void {
    this.list();
    checkAll(this, this.#shared.entries, next);
  }

  has(key: string, node: EntryNode): boolean {
    return this.#awake.get(key) === node;
  }

  childChanged(key: string): void {
    if (this.#dirty.size === 0) this.#parent.childChanged(this.key);
    this.#dirty.add(key);
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
    const child = this.#awake.get(key);
    const known = this.#before.has(key) ? this.#before.get(key) : child;
    if (!child) return known ? this.#places.settleRemoval(key, changes) : SAME;
    if (known === child) return child.settle(changes);
    if (known) goOn(child, known, changes);
    const change = child.settle(changes);
    // Everyone may know that a new entry is there, even if it has nothing to show.
    return change === SAME && !known && !this.audience ? {} : change;
  }

  /** What clients know of under each key. */
  #told(): Map<string, EntryNode | Ghost | undefined> {
    return new Map<string, EntryNode | Ghost | undefined>([...this.children, ...this.#before]);
  }

  /** Goes on from what clients know of the collection that was here before. */
  adopt(previous: Entries): void {
    for (const [key, child] of previous.#told()) {
      this.#before.set(key, child);
      this.#dirty.add(key);
    }
  }

  textFor(sees: Sees): string {
    if (this.privateCount === 0 && this.#text !== undefined) return this.#text;
    const parts = this.#dormant.texts();
    for (const [key, child] of this.#awake) {
      const { audience } = child.place;
      if (audience && !sees(audience)) continue;
      const text = child.textFor(sees);
      if (!audience || text !== "{}") parts.push(`${JSON.stringify(key)}:${text}`);
    }
    const text = `{${parts.join(",")}}`;
    if (this.privateCount === 0) this.#text = text;
    return text;
  }

  privateLeaves(into: Leaf[]): void {
    if (this.privateCount > 0) for (const child of this.children.values()) child.privateLeaves(into);
  }

  load(values: Record<string, unknown>): boolean {
    const stored = Object.entries(values);
    const sample = this.#shared.loading && stored.length > 1 ? this.sample() : undefined;
    if (sample) this.#dormant.open(sample, fitting(stored, sample, this.#awake));
    for (const [key, entry] of stored) {
      if (this.#dormant.has(key)) continue;
      try {
        checkStored(entry);
        if (!this.#awake.has(key)) this.create(key);
        loadEntry(this.#awake.get(key) as EntryNode, entry);
      } catch (error) {
        this.#shared.onUnreadable([...this.names(), key], entry, error);
      }
    }
    return false; // the collection itself is never missing
  }

  /** Has entries in storage, which are read when they are needed. All of them are like `sample`. */
  open(sample: EntryNode, stored: StoredEntries): void {
    this.#dormant.open(sample, [], stored);
  }

  /** An entry that is not part of the state; undefined if entries cannot wait in storage until they are needed. */
  sample(): EntryNode | undefined {
    return createTemplate(this.#shared, this.#field.factory as Factory<object>, this.#places);
  }

  wake(key: string): void {
    this.#dormant.wake(key);
  }

  list(): void {
    this.#dormant.list();
  }

  #entry(key: string): EntryNode | undefined {
    const entry = this.#awake.get(key);
    if (entry) return entry;
    this.#dormant.wake(key);
    return this.#awake.get(key);
  }

  /** Clients know it already, or will be told with all the rest. */
  #revive(key: string, stored: Record<string, unknown>): object {
    return this.#shared.quietly(() => {
      const entry = this.#add(key, this.make(key));
      loadEntry(entry, stored);
      entry.settle([]);
      return entry.target;
    });
  }

  saveAll(): void {
    for (const entry of this.children.values()) saveEntry(entry);
  }

  known(): Record<string, unknown> {
    const known: Record<string, unknown> = {};
    for (const [key, entry] of this.#told()) if (entry) known[key] = entry.known();
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
    for (const child of this.#awake.values()) child.stop();
  }

  #add(key: string, target: object): EntryNode {
    const read = (persisted: boolean) => readEntry(this.#awake.get(key), persisted);
    const place = this.#places.placeOf(key, this.#shared.rows, read);
    const entry = this.#shared.makeEntry(this, key, target, place);
    this.#shared.entries.set(target, entry);
    this.#awake.set(key, entry);
    if (entry.privateCount > 0) this.countPrivate(entry.privateCount);
    if (entry.attached) {
      saveEntry(entry);
      if (this.#field.kind === "users") this.#shared.onUser(key);
    }
    return entry;
  }
}
