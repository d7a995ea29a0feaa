import type { Plain } from "../protocol/values.ts";
import type { Audience } from "./audience.ts";
import { SAME } from "./diff.ts";
import { Delivery } from "./delivery.ts";
import { EntryIndex, tryTo } from "./entry-index.ts";
import type { KeyedCollection } from "./entry-index.ts";
import type { Key, KeyRules, SightIndex } from "./key-rules.ts";
import { nearestOf } from "./nearest.ts";
import type { Part } from "./part.ts";
import type { Relay, Relays } from "./relay.ts";
import { Rings } from "./rings.ts";
import { hasSecrets } from "./secrets.ts";
import { seesIn } from "./sees-in.ts";
import type { SeenEntry } from "./seen-entry.ts";
import type { Sight } from "./sight.ts";
import type { Watcher, Watching } from "./view.ts";
import type { Viewer } from "./viewer.ts";
import { Watchers } from "./watchers.ts";

/** How long nothing has to happen, in ms, until what is seen depends on nothing that was before. A room sleeps no sooner. */
const REST = 1000;

interface Current {
  readonly delivery: Delivery;
  readonly touched: ReadonlySet<SeenEntry>;
  readonly moved: readonly Watcher[];
  readonly now: number;
}

/**
 * Who sees which entries of one collection, by keys. Entries and viewers are found by their keys, so what is sent costs
 * what changed, what came into sight or left it, and what is sent; never viewers × entries.
 */
export class Interest {
  /** Called when something may come into sight though nothing was changed that clients are sent. */
  onStale: () => void = () => {};
  readonly index: SightIndex;
  readonly entries: EntryIndex;
  readonly rules: KeyRules;
  /** Those who are told once what several watchers see. */
  readonly relays = new Set<Relay>();
  /** Of the collection, which is a field of the state itself. */
  readonly name: string;
  readonly #collection: KeyedCollection;
  readonly #watchers: Watchers;
  readonly #rings: Rings | undefined;
  /** What changed of entries since the last delivery. */
  #changes = new Map<string, unknown>();
  /** Those of which it is not known exactly what they have. */
  readonly #lost = new Set<Watcher>();
  readonly #known = new WeakMap<Viewer, Watcher>();
  #number = 1;
  #delivery: Current | undefined;
  #restAt = Infinity;
  #isResting = false;
  /** Whether what a watcher sees of an entry depends on whether it sees that. Undefined until that matters. */
  #secrets: boolean | undefined;
  /** Whether it is the turn of a ring. */
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

  /** Who tells a connection what it sees; undefined if it is told by itself. */
  relayTo({ relays }: Watching): Relay | undefined {
    const all = relays as Relays | undefined;
    return all && this.isToldBy(all) ? all.of(this) : undefined;
  }

  /** Whether watchers are told by these what they see. Where that is chosen for each, the room does not know what it is. */
  isToldBy({ takesRings }: Relays): boolean {
    const { rings, nearest } = this.rules;
    if (rings === undefined && nearest === undefined) return true;
    return takesRings && (nearest === undefined || !this.#hasSecrets);
  }

  get #hasSecrets(): boolean {
    return (this.#secrets ??= hasSecrets(this.#collection as never));
  }

  /** Whether somebody tells a connection what it sees. */
  isRelayed(conn: Watching): boolean {
    return this.#watchers.get(conn)?.isRelayed === true;
  }

  get isOfUsers(): boolean {
    return this.#collection.isOfUsers;
  }

  /** Whether something is to be delivered that no change of the state tells of. */
  get isStale(): boolean {
    return this.#isDue || this.entries.stale.size > 0 || this.#watchers.stale.size > 0;
  }

  /** Whether the same entries and viewers could see others, by what happened before. */
  get hasHistory(): boolean {
    return this.rules.fields !== undefined;
  }

  names(): string[] {
    return this.#collection.names();
  }

  /** Who sees an entry, as a condition like any other. */
  audienceOf(key: string): Audience {
    const owner = this.#collection.isOfUsers ? key : undefined;
    return { conditions: [(viewer) => this.sees(viewer, key)], owner, dynamic: true, isUntracked: true };
  }

  sees(viewer: Viewer, key: string): boolean {
    if (this.#isOwn(viewer.publicId, key)) return true;
    const watcher = this.#known.get(viewer);
    if (watcher) return this.#shows(watcher, key);
    return tryTo(this.#collection, () => seesIn(this.index, viewer, this.entries.placeOf(key)), false);
  }

  #shows(watcher: Watcher, key: string): boolean {
    const entry = this.entries.get(key);
    if (watcher.shown && entry) return watcher.shown.has(entry);
    return this.index.ring(watcher.view, this.entries.placeOf(key)) > 0;
  }

  /** From now on, {@link sees} answers for this viewer what its watcher sees. */
  recognise(viewer: Viewer, conn: Watching): void {
    const watcher = this.#watchers.get(conn);
    if (watcher) this.#known.set(viewer, watcher);
  }

  /** Somebody watches from now on, who has, or is about to be sent, all that they see. @param isExact whether that is sure */
  enter(conn: Watching, viewer: () => Viewer, isExact: boolean): void {
    this.leave(conn);
    this.entries.fill();
    const relay = this.relayTo(conn);
    const watcher = this.#watchers.add(conn, viewer, relay);
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

  /** Takes what those have to be told who may see it, by the keys of entries. @returns that nobody else is to be told */
  settled(patch: unknown): typeof SAME {
    if (patch !== SAME) for (const [key, change] of Object.entries(patch as Plain)) this.#changes.set(key, change);
    return SAME;
  }

  /** The entry of a user is another one, or gone. */
  userChanged(publicId: string): void {
    for (const watcher of this.#watchers.of(publicId)) this.#watchers.becomesStale(watcher);
  }

  /** Somebody may look in another way. */
  looksElsewhere(conn: Watching): void {
    const watcher = this.#watchers.get(conn);
    if (watcher) this.#watchers.becomesStale(watcher);
  }

  /** The entries that a watcher sees. */
  seenBy(conn: Watching): Iterable<SeenEntry> {
    this.entries.fill();
    const watcher = this.#watchers.get(conn);
    const seen = new Set<SeenEntry>();
    if (!watcher) return seen;
    const own = this.ownOf(watcher.conn);
    if (own) seen.add(own);
    this.index.eachEntry(watcher.view, (entry) => {
      if (this.#shows(watcher, entry.key)) seen.add(entry);
    });
    return seen;
  }

  /** How a watcher looks, and the entries that it sees, each with its place. Undefined if it does not watch. */
  describe(conn: Watching): { looks: string; entries: [key: string, place: string][] } | undefined {
    const watcher = this.#watchers.get(conn);
    if (!watcher) return undefined;
    const entries = Array.from(this.seenBy(conn), ({ key, place }): [string, string] => [
      key,
      this.#isOwn(conn.publicId, key) ? "own" : this.index.describePlace(place),
    ]);
    return { looks: this.index.describeView(watcher.view), entries };
  }

  /** Those who see an entry. */
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

  /** Those who have a key. */
  *watchersWith(key: Key): Iterable<Watching> {
    for (const { conn } of this.#watchers.with(key)) yield conn;
  }

  /** All that is there counts as delivered. */
  assumeDelivered(): void {
    this.entries.fill();
    this.begin(0, true);
    this.#endDelivery();
  }

  /**
   * Begins to deliver what changed: {@link partFor} says what each watcher is told, until {@link end}.
   * @param now in ms @param isAll whether nothing waits until it is the turn of its ring
   */
  begin(now: number, isAll: boolean): void {
    const number = ++this.#number;
    const touched = this.#touch(now, isAll);
    const moved = this.#watchers.move();
    const delivery = new Delivery(this.index, this.#rings, number, touched, this.#hasOthers(touched));
    this.#delivery = { delivery, touched, moved, now };
    this.#mark(delivery, touched, moved);
    for (const relay of this.relays) relay.deliver(touched, moved, isAll);
  }

  /**
   * What a watcher is told in the present delivery. It is made anew each time: many of them at once would be much.
   * @returns "all" if it needs all that it sees, in place of what it has; undefined for nothing
   */
  partFor(conn: Watching): Part | "all" | undefined {
    const watcher = this.#watchers.get(conn);
    if (!watcher || !this.#delivery) return undefined;
    if (this.#lost.has(watcher)) return "all";
    const { delivery } = this.#delivery;
    if (watcher.toldIn !== delivery.number) return undefined;
    const part = this.rules.nearest === undefined ? delivery.for(watcher) : delivery.ofShown(watcher);
    return part.sights.length > 0 ? part : undefined;
  }

  /** What changed since the delivery before, of entries that are there. */
  get changes(): readonly Sight[] {
    const touched = Array.from(this.#delivery?.touched ?? []);
    return touched.flatMap(({ node, changed }) => (node && changed) || []);
  }

  /** The keys of entries that are gone since the delivery before. */
  get removed(): readonly string[] {
    const touched = Array.from(this.#delivery?.touched ?? []);
    return touched.filter(({ node }) => !node).map(({ key }) => key);
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
    this.#rings?.end(now);
    this.#settled(now, touched.size + moved.length > 0);
  }

  /** Whether there are other entries than these. */
  #hasOthers(touched: ReadonlySet<SeenEntry>): boolean {
    let present = 0;
    for (const { node } of touched) if (node) present++;
    return present < this.entries.size;
  }

  /** The entries of which something is to be told. */
  #touch(now: number, isAll: boolean): ReadonlySet<SeenEntry> {
    const touched = new Set<SeenEntry>();
    const touch = (entry: SeenEntry) => {
      entry.touch(this.#number);
      touched.add(entry);
    };
    const changes = this.#changes;
    this.#changes = new Map();
    for (const [key, change] of changes) {
      const entry = this.entries.look(key);
      if (!entry) continue;
      touch(entry);
      entry.change = change;
      if (entry.node) this.#rings?.add(entry);
      else this.#rings?.forget(entry);
    }
    for (const key of this.entries.stale) {
      const entry = this.entries.look(key);
      if (entry && (entry.place !== entry.before || this.rules.nearest !== undefined)) touch(entry);
    }
    for (const entry of this.#rings?.begin(now, isAll) ?? []) touch(entry);
    if (this.#watchers.looksFromOwn) for (const { key } of touched) this.#watchers.entryTouched(key);
    return touched;
  }

  /** Marks those who may have to be told something. */
  #mark({ number, views }: Delivery, touched: ReadonlySet<SeenEntry>, moved: readonly Watcher[]): void {
    const mark = (watcher: Watcher, own: SeenEntry | undefined) => {
      watcher.own = own;
      if (watcher.toldIn === number || watcher.isRelayed) return;
      watcher.toldIn = number;
      watcher.shownBefore = watcher.shown;
      this.#choose(watcher);
    };
    for (const { watchers } of views) for (const watcher of watchers) mark(watcher, undefined);
    for (const watcher of moved) mark(watcher, this.ownOf(watcher.conn));
    for (const entry of touched) for (const watcher of this.#ownersOf(entry.key)) mark(watcher, entry);
  }

  /** Chooses what a watcher is shown of what is in its view, if that is limited. */
  #choose(watcher: Watcher): void {
    const { view, at } = watcher;
    const { nearest } = this.rules;
    if (nearest === undefined) return;
    const own = this.ownOf(watcher.conn);
    const inSight: SeenEntry[] = [];
    this.index.eachEntry(view, (entry) => {
      if (entry !== own && this.index.ring(view, entry.place) > 0) inSight.push(entry);
    });
    const shown = this.#isResting ? undefined : watcher.shown;
    watcher.shown = at ? nearestOf(nearest, at, inSight, shown) : new Set();
    if (own) watcher.shown.add(own);
  }

  /** The entry of a connection's user, if that is seen in any case. */
  ownOf({ publicId }: Watching): SeenEntry | undefined {
    return this.#isOwn(publicId, publicId) ? this.entries.get(publicId) : undefined;
  }

  /** Those who see an entry in any case. */
  #ownersOf(key: string): Iterable<Watcher> {
    return this.#isOwn(key, key) ? this.#watchers.of(key) : [];
  }

  #isOwn(publicId: string, key: string): boolean {
    return this.rules.seesOwn && this.#collection.isOfUsers && publicId === key;
  }

  #becomesStale(): void {
    if (!this.isStale) this.onStale();
  }

  /** When something is to be delivered that waited; Infinity if nothing does. */
  get dueAt(): number {
    return Math.min(this.#restAt, this.#rings?.dueAt ?? Infinity);
  }

  /** Has it delivered what waited until now. */
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
