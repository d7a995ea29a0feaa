import type { Audience } from "./audience.ts";
import { Delivery } from "./delivery.ts";
import { EntryIndex, tryTo } from "./entry-index.ts";
import type { KeyedCollection } from "./entry-index.ts";
import type { Key, KeyRules, SightIndex } from "./key-rules.ts";
import { nearestOf } from "./nearest.ts";
import { Part } from "./part.ts";
import type { Relay, Relays } from "./relay.ts";
import { Rings } from "./rings.ts";
import { hasSecrets } from "./secrets.ts";
import { seesIn } from "./sees-in.ts";
import type { SeenEntry } from "./seen-entry.ts";
import type { Sight } from "./sight.ts";
import type { Watcher, Watching } from "./view.ts";
import type { Viewer } from "./viewer.ts";
import { Watchers } from "./watchers.ts";

/**
 * How long nothing may happen, in ms, until visibility no longer depends on history. A room does not hibernate sooner.
 */
const REST = 1000;

interface Current {
  readonly delivery: Delivery;
  readonly touched: readonly SeenEntry[];
  /** The removed entries among them, by key. */
  readonly gone: ReadonlyMap<string, SeenEntry>;
  readonly moved: readonly Watcher[];
  readonly now: number;
}

/**
 * Visibility of the entries of one collection, by keys. Entries and viewers are found by their keys. The cost depends
 * on changed entries, on entries that became visible or hidden, and on what is sent, never on viewers × entries.
 */
export class Interest {
  /** Called when an entry may become visible without a change of sent state. */
  onStale: () => void = () => {};
  readonly index: SightIndex;
  readonly entries: EntryIndex;
  readonly rules: KeyRules;
  /** The relays, which get once what several watchers see. */
  readonly relays = new Set<Relay>();
  /** The name of the collection, which is a field of the state itself. */
  readonly name: string;
  readonly #collection: KeyedCollection;
  readonly #watchers: Watchers;
  readonly #rings: Rings | undefined;
  /** The changes of entries since the last delivery. Replaced, not cleared: see EntryChanges. */
  #changes = new Map<string, unknown>();
  /** Watchers whose entries are not exactly known. */
  readonly #lost = new Set<Watcher>();
  readonly #known = new WeakMap<Viewer, Watcher>();
  /** The number of the last delivery. */
  number = 1;
  #delivery: Current | undefined;
  #restAt = Infinity;
  #isResting = false;
  /** Whether visible entries have fields that are not visible to all of their viewers. Undefined until it is needed. */
  #secrets: boolean | undefined;
  /** The same for all users, because there are many. */
  readonly #conditions: Audience["conditions"] = [(viewer, owner = "") => this.sees(viewer, owner)];
  /** Whether a ring is due. */
  #isDue = false;

  constructor(collection: KeyedCollection, rules: KeyRules) {
    const onStale = () => this.#becomesStale();
    this.#collection = collection;
    this.name = collection.names()[0] as string;
    this.rules = rules;
    this.index = rules.createIndex();
    this.entries = new EntryIndex(collection, rules, this.index, onStale);
    this.#watchers = new Watchers(collection, this.entries, this.index, onStale, rules.nearest !== undefined);
    this.#rings = rules.rings && new Rings(rules.rings);
  }

  /** The relay that sends to a connection. Undefined if the connection is sent to directly. */
  relayTo({ relays }: Watching): Relay | undefined {
    const all = relays as Relays | undefined;
    return all && this.isToldBy(all) ? all.of(this) : undefined;
  }

  /** Whether these relays compute what watchers see. If it is chosen for each watcher, the room does not know it. */
  isToldBy({ takesRings }: Relays): boolean {
    const { rings, nearest } = this.rules;
    if (rings === undefined && nearest === undefined) return true;
    return takesRings && (nearest === undefined || !this.#hasSecrets);
  }

  get #hasSecrets(): boolean {
    return (this.#secrets ??= hasSecrets(this.#collection as never));
  }

  /** Undefined if a connection does not watch, as before its first packet. */
  watcherOf(conn: Watching): Watcher | undefined {
    return this.#watchers.get(conn);
  }

  get isOfUsers(): boolean {
    return this.#collection.isOfUsers;
  }

  /** Whether something has to be delivered without a change of the state. */
  get isStale(): boolean {
    return this.#isDue || this.entries.stale.size > 0 || this.#watchers.stale.size > 0;
  }

  /** Whether visibility depends on earlier positions. */
  get hasHistory(): boolean {
    return this.rules.fields !== undefined;
  }

  names(): string[] {
    return this.#collection.names();
  }

  /** The viewers of an entry, as an audience. */
  audienceOf(key: string): Audience {
    const owner = this.#collection.isOfUsers ? key : undefined;
    const hasOwner = this.#isOwn(key, key);
    const conditions = owner === undefined ? [(viewer: Viewer) => this.sees(viewer, key)] : this.#conditions;
    return { conditions, owner, dynamic: true, isUntracked: true, hasOwner };
  }

  sees(viewer: Viewer, key: string): boolean {
    if (this.#isOwn(viewer.publicId, key)) return true;
    const watcher = this.#known.get(viewer);
    if (watcher) return this.#shows(watcher, key);
    return tryTo(this.#collection, () => seesIn(this.index, viewer, this.entries.presentPlaceOf(key)), false);
  }

  #shows(watcher: Watcher, key: string): boolean {
    const entry = this.entries.get(key);
    if (watcher.shown && entry) return watcher.shown.has(entry);
    return this.index.ring(watcher.view, this.entries.placeOf(key)) > 0;
  }

  /** From now on, {@link sees} answers for this viewer by its watcher. */
  recognise(viewer: Viewer, conn: Watching): void {
    const watcher = this.#watchers.get(conn);
    if (watcher) this.#known.set(viewer, watcher);
  }

  /** Adds a watcher, which has, or is about to get, all visible entries. @param isExact whether that is certain */
  enter(conn: Watching, viewerOf: (conn: Watching) => Viewer, isExact: boolean): void {
    this.leave(conn);
    this.entries.fill();
    const relay = this.relayTo(conn);
    const watcher = this.#watchers.add(conn, viewerOf, relay);
    if (relay) return relay.entered(watcher, isExact);
    this.#choose(watcher);
    if (!isExact) this.#lost.add(watcher);
  }

  leave(conn: Watching): void {
    const watcher = this.#watchers.get(conn);
    if (!watcher) return;
    this.#watchers.delete(watcher);
    this.#lost.delete(watcher);
    this.#watchers.relayOf(watcher)?.left(watcher);
  }

  /** Takes the change of an entry, as in a patch. Only viewers of the entry get it. */
  changed(key: string, change: unknown): void {
    this.#changes.set(key, change);
  }

  /** The entry of a user was replaced or removed. */
  userChanged(publicId: string): void {
    for (const watcher of this.#watchers.of(publicId)) this.#watchers.becomesStale(watcher);
  }

  /** A watcher may have other keys. */
  looksElsewhere(conn: Watching): void {
    const watcher = this.#watchers.get(conn);
    if (watcher) this.#watchers.becomesStale(watcher);
  }

  /** The visible entries of a watcher. */
  seenBy(conn: Watching): Iterable<SeenEntry> {
    this.entries.fill();
    const watcher = this.#watchers.get(conn);
    const seen = new Set<SeenEntry>();
    if (!watcher) return seen;
    const own = this.ownOf(watcher.conn);
    if (own) seen.add(own);
    this.index.eachEntry(watcher.view, watcher.view, (entry) => {
      if (this.#shows(watcher, entry.key)) seen.add(entry);
    });
    return seen;
  }

  /**
   * The keys of a watcher, and its visible entries with their places. Undefined if it does not watch. If its shard
   * chooses the nearest entries, these are the nearest now: the shard may show one that is a little farther away.
   */
  describe(conn: Watching): { looks: string; entries: [key: string, place: string][] } | undefined {
    const watcher = this.#watchers.get(conn);
    if (!watcher) return undefined;
    const isChosenElsewhere = watcher.isRelayed && this.rules.nearest !== undefined;
    const seen = isChosenElsewhere ? this.#nearestTo(watcher, undefined) : this.seenBy(conn);
    const entries = Array.from(seen, ({ key, place }): [string, string] => [
      key,
      this.#isOwn(conn.publicId, key) ? "own" : this.index.describePlace(place),
    ]);
    return { looks: this.index.describeView(watcher.view), entries };
  }

  /** The watchers that see an entry. */
  watchersOf(key: string): ReadonlySet<Watching> {
    const found = new Set<Watching>();
    for (const { conn } of this.#ownersOf(key)) found.add(conn);
    const entry = this.entries.get(key);
    if (!entry) return found;
    this.index.eachView(entry, ({ watchers }) => {
      for (const watcher of watchers) if (this.#shows(watcher, key)) found.add(watcher.conn);
    });
    return found;
  }

  /** The watchers with a key. */
  *watchersWith(key: Key): Iterable<Watching> {
    for (const { conn } of this.#watchers.with(key)) yield conn;
  }

  /** The present state counts as delivered. */
  assumeDelivered(): void {
    this.entries.fill();
    this.begin(0, true);
    this.#endDelivery();
  }

  /**
   * Begins a delivery: until {@link end}, {@link partFor} gives the part for each watcher.
   * @param now in ms @param isAll whether changes in rings do not wait
   */
  begin(now: number, isAll: boolean): void {
    const number = ++this.number;
    const touched = this.#touch(now, isAll);
    const gone = new Map(touched.filter(({ node }) => !node).map((entry) => [entry.key, entry]));
    const moved = this.#watchers.move();
    const hasOthers = touched.length - gone.size < this.entries.size;
    const delivery = new Delivery(this.name, this.index, this.#rings, number, touched, hasOthers);
    this.#delivery = { delivery, touched, gone, moved, now };
    if (this.rules.nearest !== undefined) this.#chooseAll(delivery, touched, moved);
    for (const relay of this.relays) relay.deliver(touched, moved, isAll);
  }

  /**
   * The part of a watcher in this delivery. Undefined if there is nothing for it. It is made anew at each call, because
   * all parts at once would take much memory.
   */
  partFor(conn: Watching): Part | undefined {
    const watcher = this.#watchers.get(conn);
    if (!watcher || watcher.isRelayed || !this.#delivery) return undefined;
    if (this.#lost.size > 0 && this.#lost.has(watcher)) return new Part(this.name, [], true);
    const { delivery, gone } = this.#delivery;
    const own = this.ownOf(conn, gone);
    const isChosen = this.rules.nearest !== undefined;
    const part = isChosen ? delivery.ofShown(watcher, own) : delivery.for(watcher, own);
    return part && part.sights.length > 0 ? part : undefined;
  }

  /** The last delivery of which all viewers have all changes. */
  get toldIn(): number {
    return this.#rings?.toldIn ?? this.number - 1;
  }

  /** The changes since the last delivery, of existing entries. */
  get changes(): readonly Sight[] {
    return (this.#delivery?.touched ?? []).flatMap(({ node, changed }) => (node && changed) || []);
  }

  /** The keys of entries that were removed since the last delivery. */
  get removed(): readonly string[] {
    return [...(this.#delivery?.gone.keys() ?? [])];
  }

  end(): void {
    this.#endDelivery();
    this.#lost.clear();
  }

  #endDelivery(): void {
    if (!this.#delivery) return;
    const { delivery, touched, moved, now } = this.#delivery;
    this.#delivery = undefined;
    delivery.end();
    this.#watchers.settle(moved);
    for (const entry of touched) entry.told();
    this.#rings?.end(now, this.number);
    this.#settled(now, touched.length + moved.length > 0);
  }

  /** The entries with something to deliver. */
  #touch(now: number, isAll: boolean): readonly SeenEntry[] {
    const touched: SeenEntry[] = [];
    const touch = (entry: SeenEntry) => {
      if (entry.touchedIn === this.number) return;
      entry.touch(this.number);
      touched.push(entry);
    };
    for (const [key, change] of this.#changes) {
      const entry = this.entries.look(key);
      if (!entry) continue;
      touch(entry);
      entry.change = change;
      if (entry.node) this.#rings?.add(entry);
      else this.#rings?.forget(entry);
    }
    this.#changes = new Map();
    for (const key of this.entries.stale) {
      const entry = this.entries.look(key);
      if (entry && (entry.place !== entry.before || this.rules.nearest !== undefined)) touch(entry);
    }
    for (const entry of this.#rings?.begin(now, isAll) ?? []) touch(entry);
    this.#watchers.touched(touched);
    return touched;
  }

  /** Chooses the nearest entries of the watchers that may have something to deliver. */
  #chooseAll({ number, views }: Delivery, touched: readonly SeenEntry[], moved: readonly Watcher[]): void {
    const choose = (watcher: Watcher) => {
      if (watcher.chosenIn === number || watcher.isRelayed) return;
      watcher.chosenIn = number;
      watcher.shownBefore = watcher.shown;
      this.#choose(watcher);
    };
    for (const { watchers } of views) watchers.forEach(choose);
    moved.forEach(choose);
    for (const { key } of touched) for (const watcher of this.#ownersOf(key)) choose(watcher);
  }

  /** Chooses the nearest entries of a watcher, if their number is limited. */
  #choose(watcher: Watcher): void {
    if (this.rules.nearest === undefined) return;
    watcher.shown = this.#nearestTo(watcher, this.#isResting ? undefined : watcher.shown);
  }

  /** @param shown the entries that are shown already */
  #nearestTo({ conn, view, at }: Watcher, shown: ReadonlySet<SeenEntry> | undefined): Set<SeenEntry> {
    const own = this.ownOf(conn);
    const inSight: SeenEntry[] = [];
    this.index.eachEntry(view, view, (entry) => {
      if (entry !== own && this.index.ring(view, entry.place) > 0) inSight.push(entry);
    });
    const chosen = at ? nearestOf(this.rules.nearest ?? Infinity, at, inSight, shown) : new Set<SeenEntry>();
    return own ? chosen.add(own) : chosen;
  }

  /** The entry of a connection's user, if it is always visible to that user. @param gone removed entries, by key */
  ownOf({ publicId }: Watching, gone?: ReadonlyMap<string, SeenEntry>): SeenEntry | undefined {
    return this.#isOwn(publicId, publicId) ? (this.entries.get(publicId) ?? gone?.get(publicId)) : undefined;
  }

  /** The watchers that always see an entry. */
  #ownersOf(key: string): Iterable<Watcher> {
    return this.#isOwn(key, key) ? this.#watchers.of(key) : [];
  }

  #isOwn(publicId: string, key: string): boolean {
    return this.rules.seesOwn && this.#collection.isOfUsers && publicId === key;
  }

  #becomesStale(): void {
    if (!this.isStale) this.onStale();
  }

  /** The time of the next waiting delivery, or Infinity. */
  get dueAt(): number {
    return Math.min(this.#restAt, this.#rings?.dueAt ?? Infinity);
  }

  /** Changes of rings do not wait any more until they are due. */
  switched(): void {
    this.#isDue = (this.#rings?.dueAt ?? Infinity) < Infinity;
  }

  /** Delivers what waited until now. */
  wake(now: number): void {
    this.#isDue = this.#rings !== undefined && this.#rings.dueAt <= now;
    if (this.#restAt > now) return;
    this.#restAt = Infinity;
    this.#isResting = true;
    this.entries.release();
    this.#watchers.release(this.rules.nearest !== undefined);
  }

  #settled(now: number, isAny: boolean): void {
    this.#isDue = false;
    if (!isAny && !this.#isResting) return;
    const isHeld = this.entries.held.size + this.#watchers.held.size > 0;
    const isChosen = this.rules.nearest !== undefined && !this.#isResting;
    this.#restAt = isHeld || isChosen ? now + REST : Infinity;
    this.#isResting = false;
  }
}
