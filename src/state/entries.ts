import type { Signal, WritableObjectSignal } from "@signe/reactive";
import type { Plain } from "../protocol/values.ts";
import type { Audience, Sees } from "./audience.ts";
import { audienceAround, audienceOfEntry, interestOf } from "./entry-audience.ts";
import { checkAll, checkNew } from "./entry-checks.ts";
import { kindOfStored, makeEntry } from "./marks.ts";
import type { CollectionField } from "./field.ts";
import type { Interest } from "./interest.ts";
import { kindOf } from "./kinds.ts";
import type { EntryKind } from "./kinds.ts";
import type { Leaf, PrivateChange } from "./leaf.ts";
import type { HiddenEntry } from "./leaf-scope.ts";
import { ENTRY_PARTS } from "./entry-parts.ts";
import { EntryChanges } from "./entry-changes.ts";
import { fits, loadEntry, restoreEntry, saveEntry, snapshotOfEntry } from "./entry-values.ts";
import { rowValueOf } from "./lost-properties.ts";
import { LAST_READ } from "./node.ts";
import type { EntryNode, InnerNode, ParentNode, Placement, RemovedEntry, Shared } from "./node.ts";
import { encodeKey, Row } from "./rows.ts";
import type { Referrers } from "./referrers.ts";
import { replaceEntries } from "./replace-entries.ts";
import { assumeEntriesSent, sentValuesOf, textOfEntries } from "./sent-entries.ts";
import { track } from "./signals/tracking.ts";
import type { CollectionGate, FieldGate } from "./signals/tracking.ts";
import { templateOf, UnreadEntries } from "./unread-entries.ts";
import type { EntryTemplate, StoredEntries, StoredEntry } from "./unread-entries.ts";
import { checkStored, isEntryKey } from "./value-checks.ts";

type EntriesSignal = WritableObjectSignal<Record<string, object>>;

/** A `users` or `collection` field: entries by key. Each is sent and stored on its own. */
export class Entries implements FieldGate, CollectionGate, InnerNode, ParentNode {
  static readonly parts = ENTRY_PARTS;
  readonly synced = true;
  readonly shape = "object";
  readonly hidden = false;
  readonly isDurable = false;
  readonly isOfUsers: boolean;
  readonly collection: CollectionGate = this;
  readonly key: string;
  readonly signal: EntriesSignal;
  readonly property: object;
  readonly audience: Audience | undefined;
  /** Decides who sees which entries, if the collection has keyed visibility. */
  readonly interest: Interest | undefined;
  /** The references to its entries, if there are any. */
  referrers: Referrers | undefined;
  isInState: boolean;
  changedIn = 0;
  bornIn = 0;
  privateCount = 0;
  changes = new EntryChanges();
  readonly shared: Shared;
  readonly #parent: ParentNode;
  readonly field: CollectionField;
  readonly placement: Omit<Placement, "row">;
  /** The entry that the collection itself makes and adds right now, with its kind. */
  created: { readonly target: object; readonly kind: EntryKind } | undefined;
  /** The entries that have nodes. All others are unread. */
  readonly #made = new Map<string, EntryNode>();
  readonly #unread = new UnreadEntries((key, stored) => this.#makeStored(key, stored));
  #text: string | undefined;

  constructor(
    shared: Shared,
    parent: ParentNode,
    key: string,
    signal: EntriesSignal,
    field: CollectionField,
    placement: Omit<Placement, "row">,
  ) {
    this.shared = shared;
    this.#parent = parent;
    this.field = field;
    this.placement = { ...placement, persisted: placement.persisted && field.persisted };
    this.isInState = parent.isInState;
    this.key = key;
    this.signal = this.property = signal;
    this.isOfUsers = field.kind === "users";
    this.interest = interestOf(this, placement.audience);
    this.audience = this.interest ? undefined : audienceAround(this, placement.audience);
    // What clients get of it depends on the viewer.
    if (this.interest) this.countPrivate(1);
    for (const factory of typeof field.factory === "function" ? [field.factory] : field.factory.values())
      shared.factories.add(factory);
    if (field.kind === "users") shared.foundUsers(this);
    const initial = Object.entries(signal());
    track(signal as Signal, this);
    try {
      for (const [name, target] of initial) this.beforeSet(name, target);
    } catch (error) {
      for (const entry of this.#made.values()) entry.remove();
      throw error;
    }
  }

  /** All entries. Unread entries are made. */
  get children(): ReadonlyMap<string, EntryNode> {
    this.#unread.makeAll();
    return this.#made;
  }

  get replacedIn(): number {
    // After a crash it is unknown which entries existed, if they are not stored.
    const lostIn = this.placement.persisted ? 0 : this.shared.startedIn;
    return Math.max(this.changes.gone.forgottenIn, lostIn, this.#parent.replacedIn);
  }

  names(): string[] {
    return [...this.#parent.names(), this.key];
  }

  path(): string {
    return this.names().join(".");
  }

  hiddenEntryAround(sees: Sees): HiddenEntry | undefined {
    return this.#parent.hiddenEntryAround(sees);
  }

  get(key: string): object | undefined {
    return this.handOut(this.#entry(key)?.target);
  }

  /** Makes an entry of the stored or else the first kind. @throws Error if there is no such kind */
  make(key: string, stored?: Plain): object {
    return makeEntry(this.field.factory, key, stored).target;
  }

  /** Makes and adds an entry. */
  create(key: string, stored?: Plain): object {
    const { target, kind } = makeEntry(this.field.factory, key, stored);
    this.created = { target, kind: { name: kind, shape: undefined } };
    this.signal()[key] = target;
    return target;
  }

  /** The stored values of an entry, including the entries inside of it. */
  snapshotOf(key: string): Plain | undefined {
    const entry = this.#entry(key);
    return entry && snapshotOfEntry(entry);
  }

  #entry(key: string): EntryNode | undefined {
    const made = this.#made.get(key);
    if (made) return made;
    this.#unread.make(key);
    return this.#made.get(key);
  }

  setRecord(record: Plain): void {
    this.#unread.record = record;
  }

  changed(): void {} // Entries report for themselves.

  beforeSet(key: string, target: unknown): void {
    const previous = this.#entry(key);
    const kind = target === undefined ? undefined : checkNew(this, key, target);
    this.#unread.markOutdated(key);
    if (!this.changes.before.has(key)) this.changes.before.set(key, this.#isHeld(key) ? undefined : previous);
    this.#made.delete(key);
    previous?.remove();
    // Another entry with the same values may have other keys.
    if (previous) this.interest?.entries.stale.add(key);
    if (previous && this.isOfUsers) this.shared.onUserRemoved(key, previous.target);
    try {
      if (kind) this.#put(key, target as object, { ...this.#placementOf(key), kind: kind.name, shape: kind.shape });
    } catch (error) {
      // The collection still has the previous entry.
      if (previous) this.#putBack(previous);
      throw error;
    } finally {
      if (this.isOfUsers) this.shared.userChanged(key);
      this.referrers?.changed(key);
      this.childChanged(key);
    }
  }

  replaceAll(previous: Readonly<Plain>, next: Readonly<Plain>): void {
    replaceEntries(this, previous, next, () => {
      this.#unread.loadAll();
      checkAll(this, next);
    });
  }

  beforeGet(key: string): void {
    this.#unread.make(key);
  }

  handOut<T>(entry: T): T {
    return (this.shared.lastRead[this.shared.readCount++ % LAST_READ] = entry);
  }

  beforeList(): void {
    this.#unread.loadAll();
  }

  /** Whether the collection has this node under a key. */
  has(key: string, node: EntryNode): boolean {
    return this.#made.get(key) === node;
  }

  /** Its properties may refer to parts of other entries by now. */
  #putBack({ key, target, placement }: EntryNode): void {
    const kind = kindOf(this.shared, this.field.factory, key, target);
    this.#put(key, target, typeof kind === "string" ? placement : { ...placement, shape: kind.shape });
  }

  #put(key: string, target: object, placement: Placement): EntryNode {
    this.created = undefined;
    const entry = new this.shared.Entry(this.shared, this, key, target, placement);
    this.shared.entries.set(target, entry);
    this.#made.set(key, entry);
    if (entry.privateCount > 0) this.countPrivate(entry.privateCount);
    if (this.isInState && !this.shared.loading) {
      if (!this.#isHeld(key)) saveEntry(entry);
      if (this.isOfUsers) this.shared.onUser(key);
    }
    return entry;
  }

  /** Whether clients get nothing of an entry yet, since its user is still joining. */
  #isHeld(key: string): boolean {
    return this.isOfUsers && this.shared.held.has(key);
  }

  #placementOf(key: string): Placement {
    const owner = this.isOfUsers ? key : this.placement.owner;
    return {
      row: new Row(this.shared.rows, encodeKey([...this.names(), key]), this.#readRow, key),
      persisted: this.placement.persisted,
      owner,
      audience: this.interest ? undefined : this.audienceOf(key),
      seenBy: this.interest?.audienceOf(key) ?? this.placement.seenBy,
    };
  }

  readonly #readRow = (persisted: boolean, key: string) => {
    const isHeld = this.shared.held.has((this.isOfUsers ? key : this.placement.owner) as string);
    return this.isInState && !isHeld ? rowValueOf(this.#made.get(key), persisted, this) : undefined;
  };

  /** Whether clients may have an entry under a key. */
  shows(key: string): boolean {
    return this.isInState && !this.#isHeld(key) && this.#entry(key) !== undefined;
  }

  audienceOf(key: string): Audience | undefined {
    return this.interest ? this.interest.audienceOf(key) : audienceOfEntry(this, key, this.placement.audience);
  }

  /** The join of an entry's user is done: it counts as added now. */
  added(key: string): void {
    const entry = this.#made.get(key);
    if (!entry) return;
    if (!this.changes.before.has(key)) this.changes.before.set(key, undefined);
    saveEntry(entry);
    this.referrers?.changed(key);
    this.childChanged(key);
  }

  childChanged(key: string): void {
    if (this.#isHeld(key)) return;
    if (this.changes.dirty.size === 0) this.#parent.childChanged(this.key);
    this.changes.dirty.add(key);
  }

  settle(changes: PrivateChange[]): unknown {
    this.changedIn = this.shared.clock;
    this.#text = undefined;
    return this.changes.settle(this, changes);
  }

  /** The node of an entry, unless it is unread or its user is still joining. */
  settled(key: string): EntryNode | undefined {
    return this.#isHeld(key) ? undefined : this.#made.get(key);
  }

  allSettled(): Iterable<[string, EntryNode]> {
    return this.#shownEntries(this.#made);
  }

  /** The entries that are made, without those of joining users. @param isOld whether to include unstored ones */
  *shownSince(isOld: boolean): Iterable<[string, EntryNode]> {
    if (isOld) this.#unread.makeUnlessDurable();
    for (const entry of this.#made) if (!this.#isHeld(entry[0])) yield entry;
  }

  /** An entry that clients may have. */
  shown(key: string): EntryNode | undefined {
    return this.#isHeld(key) ? undefined : this.#entry(key);
  }

  /** Entries without those of joining users. */
  *#shownEntries(entries: Iterable<[string, EntryNode]> = this.children): Iterable<[string, EntryNode]> {
    for (const entry of entries) if (!this.#isHeld(entry[0])) yield entry;
  }

  /** Continues from what was sent of the previous collection. */
  continueFrom(previous: Entries): void {
    this.bornIn = previous.bornIn;
    this.changes.continueFrom(previous.changes, previous.#shownEntries());
  }

  sentValues(): Plain {
    return sentValuesOf(this.#shownEntries(), this.changes.before);
  }

  assumeSent(sent: Plain): void {
    assumeEntriesSent(this.children, sent, this.changes.before);
    for (const key of [...this.children.keys(), ...Object.keys(sent)]) this.changes.dirty.add(key);
    this.#text = undefined;
  }

  textFor(sees: Sees): string {
    if (this.privateCount === 0 && this.#text !== undefined) return this.#text;
    const text = textOfEntries(this.#unread.texts(), this.#shownEntries(this.#made), sees, this.interest !== undefined);
    if (this.privateCount === 0) this.#text = text;
    return text;
  }

  privateLeaves(into: Leaf[]): void {
    if (this.privateCount > 0) for (const [, child] of this.#shownEntries()) child.privateLeaves(into);
  }

  /** What clients may have of entries with private fields. Unread entries have none. */
  *before(): Iterable<EntryNode | RemovedEntry | undefined> {
    for (const [key, entry] of this.#made) if (!this.changes.before.has(key)) yield entry;
    yield* this.changes.before.values();
  }

  load(values: Plain): boolean {
    const stored = Object.entries(values);
    const isAlike = this.shared.loading && stored.length > 1 && !this.interest;
    const template = isAlike ? templateOf(this) : undefined;
    // Entries that differ from the template are made now, to report unreadable values at the start.
    const waiting = template ? stored.filter((entry) => this.#canStayUnread(entry, template)) : [];
    if (template) this.#unread.open(template, waiting);
    for (const [key, entry] of stored) {
      if (this.#unread.has(key)) continue;
      try {
        checkStored(entry);
        const made = this.#made.get(key);
        if (!made || made.placement.kind !== kindOfStored(this.field.factory, entry)) this.create(key, entry);
        loadEntry(this.#made.get(key) as EntryNode, entry);
      } catch (error) {
        this.shared.onUnreadable([...this.names(), key], entry, error);
      }
    }
    return false; // the collection itself is never missing
  }

  #canStayUnread(entry: readonly [key: string, value: unknown], template: EntryNode): entry is StoredEntry {
    const [key, value] = entry;
    return isEntryKey(key) && !this.#made.has(key) && fits(template, value);
  }

  /** A template of all entries, if they may stay unread. */
  template(): EntryTemplate | undefined {
    return this.interest ? undefined : templateOf(this);
  }

  /** The entries are in storage, and are read when they are needed. All of them match `template`. */
  openUnread(template: EntryTemplate, stored: StoredEntries): void {
    this.#unread.open(template, [], stored);
  }

  /** Makes an unread entry. Clients have it already, or get it with the whole state. */
  #makeStored(key: string, stored: Plain): object {
    return this.shared.quietly(() => {
      const { target, kind } = makeEntry(this.field.factory, key, stored);
      const entry = this.#put(key, target, { ...this.#placementOf(key), kind });
      restoreEntry(entry, stored);
      return entry.target;
    });
  }

  saveAll(): void {
    for (const entry of this.children.values()) saveEntry(entry);
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
    this.isInState = false;
    this.referrers?.allChanged();
    for (const child of this.#made.values()) child.stop();
  }
}
