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

/** A collection whose entries may stay unread, with a template of them. */
export interface UnreadCollection {
  readonly entries: Entries;
  readonly template: EntryTemplate;
}

/** The changes since the last time. */
export interface Changes {
  /** The patch for everyone, if there is one. */
  readonly shared: Record<string, unknown> | undefined;
  readonly private: readonly PrivateChange[];
}

/**
 * The state of one room: its signals as a tree that knows what has changed, what was sent, and what is unsaved. The
 * cost of a change is the path from its field to the root, regardless of the size of the state.
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
  /**
   * Returns the numbers of the packets with the last changes of rows, as far as they were stored before the room
   * started.
   */
  changesBefore: () => ReadonlyMap<string, number> = () => new Map();
  startedIn = 0;
  clock = 0;
  /** Called at the first change that has not been sent. */
  onChange: () => void = () => {};
  /** Called with the errors of computed signals, transforms and visibility predicates. */
  onError: (error: unknown) => void = () => {};
  /** Called with each stored value that could not be read: its path, the value, and the reason. */
  onUnreadable: (names: readonly string[], value: unknown, error: unknown) => void = () => {};
  /** Called once for each kind of plain property that hibernation loses. */
  onLost: (where: string, advice: string) => void = () => {};
  /** Called once for each kind of field whose new value was rounded to the previous one. */
  onRoundedAway: (where: string) => void = () => {};
  /** The properties and fields for which the last two were called. Several rooms may share this. */
  lost = new Set<string>();
  /** Called with the key of each entry that is added to the `users` field. */
  onUser: (publicId: string) => void = () => {};
  /** Called with each entry that is removed from the `users` field or replaced. */
  onUserRemoved: (publicId: string, user: object) => void = () => {};
  /** Decides who sees which entries of collections with keyed visibility. Undefined if there are none. */
  crowd: Crowd | undefined;
  /** The `users` field, if there is one. */
  users: Entries | undefined;
  /** Whether a signal changed that predicates may read, and viewers were not asked again since. */
  #areAnswersOld = false;
  loading = true;
  isMaking = true;
  #lastLeafId = 0;

  /**
   * @throws if a field is malformed, or holds a value that JSON cannot represent, if there are two `users` fields, or
   * if it is a promise
   */
  constructor(state: object) {
    const pending = promiseOf<unknown>(state);
    pending?.catch(() => {});
    if (pending) throw new Error("state() cannot be async: load data in onStart, and set fields there");
    const row = new Row(this.rows, ROOT_KEY, (persisted) => this.root.storedScalars(persisted));
    this.root = new Group(this, undefined, "", state, { row, audience: undefined, persisted: true, owner: undefined });
    this.loading = false;
    this.isMaking = false;
  }

  /** @param seq the number of the packet that will contain the next changes */
  goOn(seq: number): void {
    this.clock = this.rows.clock = seq;
  }

  changedBefore(row: Row): number {
    return this.changesBefore().get(row.key) ?? 0;
  }

  /** Whether there is a change that has not been sent. */
  get isDirty(): boolean {
    return this.root.isDirty || this.#areAnswersOld || this.crowd?.isStale === true;
  }

  /** A signal changed that predicates may read: they are called again, even if nothing else is to be sent. */
  answersChanged(): void {
    if (this.dynamic.size === 0 || this.#areAnswersOld) return;
    this.#areAnswersOld = true;
    this.onChange();
  }

  /**
   * Takes fields that were assigned in place of others: in the state, or in the entries that were read last.
   * Assignments to other entries are found when these are stored.
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
    this.#areAnswersOld = false;
    const changes: PrivateChange[] = [];
    const shared = this.root.settle(changes);
    return { shared: shared === SAME ? undefined : (shared as Record<string, unknown>), private: changes };
  }

  /** A description of the fields that clients see. Undefined if a crash loses entries that only some clients know. */
  get shape(): string | undefined {
    return shapeOfState(this.root);
  }

  /** All changes after a packet. */
  changesSince(seq: number): Missed {
    return changesSince(this.root, seq, seq < this.startedIn, this.changesBefore());
  }

  /** Everything that was sent to a viewer, as JSON. */
  textFor(viewer: Viewer): string {
    return this.root.textFor((audience) => this.sees(viewer, audience));
  }

  /** What was sent to everyone, as JSON. */
  sharedText(): string {
    return this.root.textFor(() => false);
  }

  /** The outermost collection around a path that not everyone sees, and who sees the entry. */
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

  /** The fields that not everyone sees. */
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

  /** Makes a user that may still be refused. Handlers find the user in the state, but nothing is sent or stored. */
  hold(publicId: string): void {
    this.#held.add(publicId);
    this.users?.create(publicId);
  }

  /** The join of a held user is done: it is sent and stored like any other. */
  release(publicId: string): void {
    if (this.#held.delete(publicId)) this.users?.added(publicId);
  }

  /** Removes a held user. Nothing was sent or stored, so no removal is either. */
  withdraw(publicId: string): void {
    if (!this.#held.has(publicId)) return;
    const users = this.users?.signal();
    this.quietly(() => delete users?.[publicId]);
    this.#held.delete(publicId);
  }

  /** The viewer of a connection. */
  viewerOf(conn: Watching): Viewer {
    if (conn.isSpectator) return SPECTATOR;
    const { publicId, auth } = conn;
    const viewer = { publicId, auth, user: this.users?.get(publicId) };
    this.recognise(viewer, conn);
    return viewer;
  }

  /** The keyed entries that a viewer sees are those that a connection was sent. */
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

  /** Opens the entries of a collection in storage, which are read on demand. */
  openUnread({ entries, template }: UnreadCollection, stored: StoredEntries): void {
    this.quietly(() => entries.openUnread(template, stored));
  }

  /** The collections of the state itself whose entries may stay unread, by name. */
  unreadCollections(): ReadonlyMap<string, UnreadCollection> {
    const collections = new Map<string, UnreadCollection>();
    for (const [name, entries] of this.root.children) {
      // Only ASCII has the same order here and in storage.
      if (entries instanceof Leaf || entries instanceof Group || !/^\w+$/.test(name)) continue;
      const template = entries.template();
      if (template) collections.set(name, { entries, template });
    }
    return collections;
  }

  /**
   * Moves rows of a field that is now stored in another way. The loaded values are written to their new rows, and the
   * old rows are removed, so that they are not loaded again.
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

  /** All rows to store, by key. */
  storedRows(): ReadonlyMap<string, unknown> {
    this.saveAll();
    const rows = [...this.rows.unsaved].map((row) => [row.key, row.read(true)] as const);
    return new Map(rows.filter(([, value]) => value !== undefined));
  }

  quietly<T>(run: () => T): T {
    const { loading, clock } = this;
    this.loading = true;
    // Loaded values are not changes.
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

  /** Sets what was sent. All differences count as changes. */
  assumeSent(sent: Record<string, unknown>): void {
    this.root.assumeSent(sent);
    this.onChange();
  }

  /** Marks every row as unsaved, so that values which only the first run of `state()` makes are kept. */
  saveAll(): void {
    this.root.saveAll();
  }
}
