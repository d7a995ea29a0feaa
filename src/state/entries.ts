import type { Signal, WritableObjectSignal } from "@signe/reactive";
import { DELETE } from "../protocol/packets.ts";
import type { Audience } from "./audience.ts";
import { put, SAME } from "./diff.ts";
import { Dormant } from "./dormant.ts";
import { loadEntry, readEntry, saveEntry } from "./entry-rows.ts";
import { makeEntry } from "./fields.ts";
import type { Factory, Field } from "./fields.ts";
import type { Leaf } from "./leaf.ts";
import type { EntryNode, InnerNode, ParentNode, Place, PrivateChange, Sees, Shared } from "./node.ts";
import { checkEntry, refused, shapeOf } from "./refusal.ts";
import { encodeKey, encodeName, Row } from "./rows.ts";
import { track, unwrap } from "./tracking.ts";
import type { Door } from "./tracking.ts";

/** An entry that clients know of and that is gone, of which only that is known. */
type Ghost = Pick<InnerNode, "known">;

type EntriesSignal = WritableObjectSignal<Record<string, object>>;

/** A `users` or `collection` field: entries by key, each shared and stored on its own. */
export class Entries implements Door, InnerNode, ParentNode {
  readonly synced = true;
  readonly shape = "object";
  readonly key: string;
  readonly signal: EntriesSignal;
  readonly persisted: boolean;
  readonly audience: Audience | undefined;
  readonly hidden = false;
  privateCount = 0;
  readonly #shared: Shared;
  readonly #parent: ParentNode;
  readonly #owner: string | undefined;
  readonly #field: Field;
  readonly #awake = new Map<string, EntryNode>();
  readonly #dormant = new Dormant(
    () => unwrap(this.signal()) as Record<string, unknown>,
    (key, stored) => this.#revive(key, stored),
  );
  readonly #dirty = new Set<string>();
  /** What clients knew under the keys whose entry was added, removed or replaced since. */
  readonly #before = new Map<string, EntryNode | Ghost | undefined>();
  /** How the keys of its rows begin. */
  #prefix: string | undefined;
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

  /** Entries report for themselves. */
  changed(): void {}

  get(key: string): object | undefined {
    return this.#entry(key)?.target;
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
    return this.#entry(key)?.snapshot();
  }

  /** An entry is about to be set, or removed. */
  entry(key: string, target: unknown): void {
    const previous = this.#entry(key);
    if (target !== undefined) this.#check(key, target);
    if (!this.#before.has(key)) this.#before.set(key, previous);
    if (previous) {
      this.#awake.delete(key);
      if (previous.attached) previous.removeRows();
      previous.remove();
    }
    if (target !== undefined) this.#add(key, target as object);
    this.childChanged(key);
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
    // All that a factory without parameters makes is alike: if the first one is simple, so are the others.
    const mayWait = this.#shared.loading && this.#field.factory?.length === 0 && !this.audience;
    let sample: EntryNode | undefined;
    for (const [key, stored] of Object.entries(values)) {
      if (shapeOf(stored) !== "object") continue;
      if (sample && !this.#awake.has(key)) {
        this.#dormant.add(key, stored as Record<string, unknown>, sample);
        continue;
      }
      if (!this.#awake.has(key)) this.create(key);
      const child = this.#awake.get(key) as EntryNode;
      loadEntry(child, stored as Record<string, unknown>);
      if (mayWait && child.isSimple) sample = child;
    }
    // The collection itself is never missing.
    return false;
  }

  #entry(key: string): EntryNode | undefined {
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

  #check(key: string, target: unknown): void {
    checkEntry(this, key, target);
    const group = this.#shared.entries.get(target as object);
    if (group?.attached && this.#awake.get(key) !== group) {
      throw refused(this, [key], "internal", `this entry is part of the state already, at ${group.names().join(".")}`);
    }
  }

  #rowKey(key: string): string {
    this.#prefix ??= `${encodeKey(this.names())}.`;
    return this.#prefix + encodeName(key);
  }

  #add(key: string, target: object): EntryNode {
    const row = new Row(this.#shared.rows, this.#rowKey(key), (persisted) =>
      readEntry(this.#awake.get(key), persisted),
    );
    const owner = this.#field.kind === "users" ? key : this.#owner;
    const entry = this.#shared.makeEntry(this, key, target, {
      row,
      owner,
      persisted: this.persisted,
      audience: this.#audienceOf(key),
    });
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
