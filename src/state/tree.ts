import { promiseOf } from "../protocol/values.ts";
import { canSee } from "./audience.ts";
import type { Audience } from "./audience.ts";
import { changesSince } from "./changes-since.ts";
import type { Missed } from "./changes-since.ts";
import { SAME } from "./diff.ts";
import type { EntryTemplate, StoredEntries } from "./unread-entries.ts";
import type { Entries } from "./entries.ts";
import type { Viewer } from "./field.ts";
import { SPECTATOR } from "./viewer.ts";
import { Group, isEntries } from "./group.ts";
import type { Crowd } from "./crowd.ts";
import type { Interest } from "./interest.ts";
import type { EntryKinds } from "./kinds.ts";
import { Leaf } from "./leaf.ts";
import type { PrivateChange } from "./leaf.ts";
import type { EntryNode, Shared } from "./node.ts";
import { ROOT_KEY, Row, Rows } from "./rows.ts";
import { shapeOfState } from "./state-shape.ts";
import type { Watching } from "./view.ts";

/** A collection whose entries may stay unread, with an entry that is like all of them. */
export interface UnreadCollection {
  readonly entries: Entries;
  readonly template: EntryTemplate;
}

/** What changed since the last time. */
export interface Changes {
  /** The patch for everyone, if there is one. */
  readonly shared: Record<string, unknown> | undefined;
  readonly private: readonly PrivateChange[];
}

/**
 * The state of one room: its signals as a tree that knows what changed, what was sent, and what is
 * unsaved. A change costs the way up from its field, whatever the size of the rest.
 */
export class Tree implements Shared {
  readonly Entry = Group;
  readonly rows = new Rows();
  readonly root: Group;
  readonly entries = new WeakMap<object, EntryNode>();
  readonly factories = new WeakSet<object>();
  readonly kinds = new WeakMap<object, EntryKinds>();
  readonly dynamic = new Set<Leaf>();
  readonly lastRead: unknown[] = [];
  readCount = 0;
  readonly #held = new Set<string>();
  readonly held: ReadonlySet<string> = this.#held;
  /** Gives the numbers of the packets with the last changes of rows, as far as they were stored before the room started. */
  changesBefore: () => ReadonlyMap<string, number> = () => new Map();
  startedIn = 0;
  clock = 0;
  /** Called at the first change that was not sent. */
  onChange: () => void = () => {};
  /** Called with whatever a computed signal, a transform or a visibility predicate threw. */
  onError: (error: unknown) => void = () => {};
  /** Called with each stored value that could not be read: the names that lead to it, the value, and why. */
  onUnreadable: (names: readonly string[], value: unknown, error: unknown) => void = () => {};
  /** Called once with each kind of plain property that a sleep takes away. */
  onLost: (where: string, advice: string) => void = () => {};
  /** Called once with each kind of field whose value was set, and rounded back to what was there. */
  onRoundedAway: (where: string) => void = () => {};
  /** Those of which these two were called: several rooms may share this. */
  lost = new Set<string>();
  /** Called with the key of each entry that is put into the `users` field. */
  onUser: (publicId: string) => void = () => {};
  /** Called with each entry that is taken out of the `users` field, also if another one takes its place. */
  onUserRemoved: (publicId: string, user: object) => void = () => {};
  /** Who sees which entries of collections where keys say so. Undefined where there are none. */
  crowd: Crowd | undefined;
  /** The one `users` field, if there is one. */
  users: Entries | undefined;
  loading = true;
  isMaking = true;
  #lastLeafId = 0;

  /** @throws if a field is malformed, or holds what JSON cannot, the state has two `users` fields, or it is a promise */
  constructor(state: object) {
    const pending = promiseOf<unknown>(state);
    pending?.catch(() => {});
    if (pending) throw new Error("state() cannot be async: load data in onStart, and set fields there");
    const row = new Row(this.rows, ROOT_KEY, (persisted) => this.root.storedScalars(persisted));
    this.root = new Group(this, undefined, "", state, { row, audience: undefined, persisted: true, owner: undefined });
    this.loading = false;
    this.isMaking = false;
  }

  /** @param seq the number of the packet that what changes from now on is sent with */
  goOn(seq: number): void {
    this.clock = this.rows.clock = seq;
  }

  changedBefore(row: Row): number {
    return this.changesBefore().get(row.key) ?? 0;
  }

  /** Whether some change was not sent yet. */
  get isDirty(): boolean {
    return this.root.isDirty || this.crowd?.isStale === true;
  }

  /**
   * Takes fields that were assigned in place of others: to the state, or to the entries that were read last. What was
   * assigned to others is found when these are stored.
   * @throws RoomError if one of them cannot be part of the state
   */
  takeAssigned(): void {
    const errors: unknown[] = [];
    for (const node of [this.root, ...this.lastRead.map((target) => this.entries.get(target as object))]) {
      try {
        node?.takeAssigned();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  /** Takes all changes since the last time. */
  settle(): Changes {
    const changes: PrivateChange[] = [];
    const shared = this.root.settle(changes);
    return { shared: shared === SAME ? undefined : (shared as Record<string, unknown>), private: changes };
  }

  /** Of the fields that clients see; undefined where a crash takes entries away that only some know of. */
  get shape(): string | undefined {
    return shapeOfState(this.root);
  }

  /** All that changed after a packet. */
  changesSince(seq: number): Missed {
    return changesSince(this.root, seq, seq < this.startedIn, this.changesBefore());
  }

  /** All that was sent to a viewer, as JSON. */
  textFor(viewer: Viewer): string {
    return this.root.textFor((audience) => this.sees(viewer, audience));
  }

  /** What was sent to everyone, as JSON. */
  sharedText(): string {
    return this.root.textFor(() => false);
  }

  /** The outermost collection around something that not everybody sees, and who sees the entry. */
  hiddenAround(names: readonly string[]): { collection: Entries; audience: Audience } | undefined {
    let node: Group | Entries | Leaf | undefined = this.root;
    for (const name of names) {
      const audience = isEntries(node) ? node.audienceOf(name) : undefined;
      if (audience) return { collection: node as Entries, audience };
      node = isEntries(node) ? (node.shown(name) as Group | undefined) : node?.children.get(name);
      if (!node || node instanceof Leaf) return undefined;
    }
    return undefined;
  }

  /** The fields that not everybody sees. */
  privateLeaves(): readonly Leaf[] {
    const leaves: Leaf[] = [];
    this.root.privateLeaves(leaves);
    return leaves;
  }

  sees(viewer: Viewer, audience: Audience): boolean {
    if (viewer === SPECTATOR || (audience.owner !== undefined && this.#held.has(audience.owner))) return false;
    try {
      return canSee(audience, viewer);
    } catch (error) {
      this.onError(error);
      return false;
    }
  }

  /** Makes a user who may be refused yet: handlers find them in the state, but nothing of them is sent or stored. */
  hold(publicId: string): void {
    this.#held.add(publicId);
    this.users?.create(publicId);
  }

  /** From now on, a user that was held is like all others. */
  release(publicId: string): void {
    if (this.#held.delete(publicId)) this.users?.added(publicId);
  }

  /** Removes a user that was held: nothing of them was sent or stored, so no removal is either. */
  withdraw(publicId: string): void {
    if (!this.#held.has(publicId)) return;
    const users = this.users?.signal();
    this.quietly(() => delete users?.[publicId]);
    this.#held.delete(publicId);
  }

  /** Takes a user out of the state, but not out of storage. @returns puts them back, unless somebody is in their place */
  takeOut(publicId: string): () => void {
    const users = this.users?.signal();
    const user = users?.[publicId];
    if (!users || !user) return () => {};
    this.quietly(() => delete users[publicId]);
    return () => {
      if (users[publicId]) return;
      this.quietly(() => (users[publicId] = user));
      this.users?.added(publicId);
    };
  }

  /** Who looks through a connection. */
  viewerOf(conn: Watching): Viewer {
    if (conn.isSpectator) return SPECTATOR;
    const { publicId, auth } = conn;
    const viewer = { publicId, auth, user: this.users?.get(publicId) };
    this.recognise(viewer, conn);
    return viewer;
  }

  /** What a viewer sees by keys is what a connection was sent. */
  recognise(viewer: Viewer, conn: object): void {
    for (const interest of this.crowd?.interests ?? []) interest.recognise(viewer, conn as Watching);
  }

  userChanged(publicId: string): void {
    for (const interest of this.crowd?.interests ?? []) interest.userChanged(publicId);
  }

  foundInterest(found: object, Watchers: unknown): void {
    const interest = found as Interest;
    interest.onStale = () => this.onChange();
    this.crowd ??= new (Watchers as typeof Crowd)(this);
    this.crowd.interests.push(interest);
  }

  nextLeafId(): number {
    return ++this.#lastLeafId;
  }

  foundUsers(users: object): void {
    if (this.users) throw new Error("A state can have one users field: use collection() for other records");
    this.users = users as Entries;
  }

  /** Loads a stored snapshot: plain values by field name, entries by key. */
  load(snapshot: Record<string, unknown>): void {
    this.quietly(() => this.root.load(snapshot));
  }

  /** Has the entries of a collection in storage, which are read when they are needed. */
  openUnread({ entries, template }: UnreadCollection, stored: StoredEntries): void {
    this.quietly(() => entries.openUnread(template, stored));
  }

  /** The collections of the state itself whose entries may stay unread, by name. */
  unreadCollections(): ReadonlyMap<string, UnreadCollection> {
    const collections = new Map<string, UnreadCollection>();
    for (const [name, entries] of this.root.children) {
      // Only the order of ASCII is the same here and in storage.
      if (entries instanceof Leaf || entries instanceof Group || !/^\w+$/.test(name)) continue;
      const template = entries.template();
      if (template) collections.set(name, { entries, template });
    }
    return collections;
  }

  /**
   * Rows that held a field before it became something that is stored otherwise: what was loaded of them is written
   * where it belongs, and they go, or they would win over it one day.
   */
  moveRows(rows: Iterable<readonly [key: string, value: unknown]>): void {
    for (const [key] of rows) {
      const child = this.root.children.get(key);
      if (!child || child instanceof Group || (child instanceof Leaf && child.row?.key === key)) continue;
      if (child instanceof Leaf && !child.persisted) continue;
      this.rows.removed.add(key);
      if (child instanceof Leaf) child.row?.changed(true);
      else child.saveAll();
    }
  }

  /** All that is to be stored of the state, by the keys of rows. */
  storedRows(): ReadonlyMap<string, unknown> {
    this.saveAll();
    const rows = [...this.rows.unsaved].map((row) => [row.key, row.read(true)] as const);
    return new Map(rows.filter(([, value]) => value !== undefined));
  }

  quietly<T>(run: () => T): T {
    const { loading, clock } = this;
    this.loading = true;
    // What is loaded is no change.
    this.clock = 0;
    try {
      return run();
    } finally {
      this.loading = loading;
      this.clock = clock;
    }
  }

  /** What was sent of the whole state, as plain data. */
  sentValues(): Record<string, unknown> {
    return this.root.sentValues();
  }

  /** Takes this as what was sent; all that differs is a change. */
  assumeSent(sent: Record<string, unknown>): void {
    this.root.assumeSent(sent);
    this.onChange();
  }

  /** Marks every row as unsaved, so that a value which only the first run of `state()` made is kept. */
  saveAll(): void {
    this.root.saveAll();
  }
}
