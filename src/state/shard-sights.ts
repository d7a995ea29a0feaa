import type { SightChanges } from "./sight-changes.ts";
import type { Interest } from "./interest.ts";
import type { Key, SightIndex } from "./key-rules.ts";
import type { Position, SeenEntry } from "./seen-entry.ts";
import type { Delivered, Relay, Relays } from "./relay.ts";
import { addTo, removeFrom } from "./sets-by-key.ts";
import type { View, Watcher, Watching } from "./view.ts";
import type { SeenTables } from "./wire-tables.ts";

type IdOf = (conn: Watching) => number;

/** The text of an entry's place, for all shards that get it. */
const places = new WeakMap<SeenEntry, { readonly place: unknown; readonly at: unknown; readonly text: string }>();

/**
 * What a shard knows about one collection with keyed visibility: each entry that one of its clients sees, and the views
 * of its clients. The shard keeps an entry that is no longer visible there until the entry changes.
 */
class ShardSight implements Relay {
  readonly index: SightIndex;
  readonly interest: Interest;
  readonly #idOf: IdOf;
  readonly #tables: (() => SeenTables) | undefined;
  readonly #watchers = new Set<Watcher>();
  readonly #watchersOf = new Map<string, Set<Watcher>>();
  /**
   * The entries that the shard has, each with a view of the shard that last saw it, which is checked first. Undefined
   * while the shard knows nothing.
   */
  #known: Map<SeenEntry, View | undefined> | undefined;
  #members: string[] = [];
  #places: string[] = [];
  #viewers = new Map<Watcher, unknown>();
  /** When the shard is to send what it delays, and what it was told last of that. */
  when: Delivered = "due";
  #toldWhen: Delivered = "due";
  /** Whether all watchers had exactly what they see when they were added. */
  isExact = true;

  constructor(interest: Interest, idOf: IdOf, tables: (() => SeenTables) | undefined) {
    this.interest = interest;
    this.#tables = tables;
    this.index = interest.rules.createIndex();
    this.#idOf = idOf;
  }

  get isTold(): boolean {
    return this.#known !== undefined;
  }

  /** Whether a client of the shard may see an entry. */
  knows(entry: SeenEntry): boolean {
    return this.#known?.has(entry) === true;
  }

  /** Whether a client of the shard has a key. */
  hasKey(key: Key): boolean {
    for (const { watchers } of this.index.viewsWith(key)) if (watchers.size > 0) return true;
    return false;
  }

  entered(watcher: Watcher, isExact: boolean): void {
    if (!isExact) this.isExact = false;
    this.#watchers.add(watcher);
    addTo(this.#watchersOf, watcher.conn.publicId, watcher);
    this.#looks(watcher);
  }

  left(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    removeFrom(this.#watchersOf, watcher.conn.publicId, watcher);
    this.#viewers.delete(watcher);
    // Changes for a shard without clients would never be taken.
    if (this.#watchers.size === 0) this.reset();
  }

  deliver(touched: readonly SeenEntry[], moved: readonly Watcher[], isAll: boolean): void {
    this.when = isAll ? "now" : "due";
    if (!this.#known) return;
    for (const entry of touched) {
      const witness = this.#witnessOf(entry);
      if (witness) this.#tell(entry, witness);
      else if (this.#known.delete(entry)) this.#members.push(entry.gone.member);
    }
    for (const watcher of moved) if (this.#watchers.has(watcher)) this.#looks(watcher);
  }

  /** Takes the changes to send. */
  take(): SightChanges | undefined {
    const { rules, index, isOfUsers } = this.interest;
    const { rings, nearest } = rules;
    const isNew = !this.#known;
    if (isNew) {
      this.#known = new Map();
      for (const watcher of this.#watchers) this.#looks(watcher);
    }
    const { when } = this;
    const isOther = (rings !== undefined || nearest !== undefined) && when !== this.#toldWhen;
    const isAny = this.#members.length + this.#places.length + this.#viewers.size > 0;
    if (!isNew && !isOther && !isAny) return undefined;
    this.#toldWhen = when;
    const { name } = this.interest;
    const looksFromOwn = isOfUsers && index.viewFrom !== undefined;
    const table = isNew ? this.#tables?.().get(name) : undefined;
    const periods = rings?.map(({ period }) => period);
    const seesOwn = isOfUsers && rules.seesOwn;
    const changes: SightChanges = {
      name,
      ...(isNew && { all: { rule: plainRule(index), seesOwn, looksFromOwn, periods, nearest, table } }),
      patch: `{${this.#members.join(",")}}`,
      places: `{${this.#places.join(",")}}`,
      viewers: Array.from(this.#viewers, ([{ conn }, from]) => [this.#idOf(conn), from] as const),
      ...(when === "now" && { isAll: true }),
      ...(when === "later" && { isHeld: true }),
    };
    this.#members = [];
    this.#places = [];
    this.#viewers.clear();
    return changes;
  }

  /** The shard knows nothing about the collection: it gets everything next. */
  reset(): void {
    this.isExact = true;
    this.#known = undefined;
    this.#members = [];
    this.#places = [];
    this.#viewers.clear();
  }

  /** A view of the shard in which an entry is visible, or the view of its user. Undefined if nobody there sees it. */
  #witnessOf(entry: SeenEntry): View | undefined {
    if (!entry.node) return undefined;
    const known = this.#known?.get(entry);
    if (known && this.#isSeenFrom(known, entry)) return known;
    let witness: View | undefined;
    this.index.eachView(entry, (view) => {
      if (!witness && this.#isSeenFrom(view, entry)) witness = view;
    });
    return witness ?? (this.#isOwn(entry) ? this.index.nobody : undefined);
  }

  #isSeenFrom(view: View, { place }: SeenEntry): boolean {
    return view.watchers.size > 0 && this.index.ring(view, place) > 0;
  }

  /** Whether a client of the shard sees an entry as its own. */
  #isOwn({ key }: SeenEntry): boolean {
    const { rules, isOfUsers } = this.interest;
    return rules.seesOwn && isOfUsers && this.#watchersOf.has(key);
  }

  /** An entry has changed, or its place has. */
  #tell(entry: SeenEntry, witness: View): void {
    if (!this.#known?.has(entry)) return this.#tellWhole(entry, witness);
    this.#known.set(entry, witness);
    const isElsewhere = entry.place !== entry.before || (this.#isChosen && entry.isElsewhere);
    if (entry.changed) this.#members.push(entry.changed.member);
    if (isElsewhere) this.#places.push(this.#placeOf(entry));
  }

  #tellWhole(entry: SeenEntry, witness: View | undefined): void {
    this.#known?.set(entry, witness);
    this.#members.push(entry.whole.member);
    this.#places.push(this.#placeOf(entry));
  }

  /** The view of a watcher differs from the one that the shard knows. */
  #looks(watcher: Watcher): void {
    if (!this.#known) return;
    const { view, conn } = watcher;
    this.#viewers.set(watcher, this.#plain(this.index.plainView(view), watcher.at));
    const add = (entry: SeenEntry) => {
      if (entry.node && !this.#known?.has(entry)) this.#tellWhole(entry, view);
    };
    // The entries are in the index of the room.
    this.interest.index.eachEntry(view, view, (entry) => {
      if (this.index.ring(view, entry.place) > 0) add(entry);
    });
    const own = this.interest.ownOf(conn);
    if (own) add(own);
  }

  get #isChosen(): boolean {
    return this.interest.rules.nearest !== undefined;
  }

  /** A cell or keys, and the position where that matters. */
  #plain(place: unknown, at: Position | undefined): unknown {
    return this.#isChosen ? [place, at ?? null] : place;
  }

  #placeOf(entry: SeenEntry): string {
    const { key, place, at } = entry;
    let known = places.get(entry);
    if (!known || known.place !== place || (this.#isChosen && known.at !== at)) {
      const text = `${JSON.stringify(key)}:${JSON.stringify(this.#plain(this.index.plain(place), at))}`;
      places.set(entry, (known = { place, at, text }));
    }
    return known.text;
  }
}

function plainRule({ rule }: SightIndex) {
  return rule === "keys"
    ? rule
    : { reach: rule.reach, isFlat: rule.isFlat, rings: Array.from(rule.rings as Uint8Array) };
}

/** What a shard knows about all collections with keyed visibility, if it supports that. */
export class ShardSights implements Relays {
  readonly takesRings: boolean;
  readonly #sights = new Map<Interest, ShardSight>();
  readonly #idOf: IdOf;
  readonly #tables: (() => SeenTables) | undefined;

  constructor(idOf: IdOf, takesRings: boolean, tables?: () => SeenTables) {
    this.takesRings = takesRings;
    this.#idOf = idOf;
    this.#tables = tables;
  }

  /** Whether there are such collections. */
  get isUsed(): boolean {
    return this.#sights.size > 0;
  }

  of(found: object): Relay {
    const interest = found as Interest;
    let sight = this.#sights.get(interest);
    if (!sight) {
      this.#sights.set(interest, (sight = new ShardSight(interest, this.#idOf, this.#tables)));
      interest.relays.add(sight);
    }
    return sight;
  }

  take(): readonly SightChanges[] {
    return Array.from(this.#sights.values(), (sight) => sight.take()).filter((changes) => changes !== undefined);
  }

  /** Whether the shard has what it has to know. */
  get isTold(): boolean {
    return [...this.#sights.values()].every(({ isTold }) => isTold);
  }

  set when(when: Delivered) {
    for (const sight of this.#sights.values()) sight.when = when;
  }

  /** Takes everything that the shard has to know, and whether its clients have exactly what they see. */
  takeAll(): { readonly sights: readonly SightChanges[]; readonly isExact: boolean } {
    const all = [...this.#sights.values()];
    const isExact = all.every((sight) => sight.isExact);
    this.reset();
    return { sights: this.take(), isExact };
  }

  /** The shard has lost its memory: it gets everything next. */
  reset(): void {
    for (const sight of this.#sights.values()) sight.reset();
  }

  /** Whether a client of the shard may see an entry. */
  knows(interest: Interest, key: string): boolean {
    const entry = interest.entries.get(key);
    return entry !== undefined && this.#sights.get(interest)?.knows(entry) === true;
  }

  haveKey(keys: readonly Key[]): boolean {
    return [...this.#sights.values()].some((sight) => keys.some((key) => sight.hasKey(key)));
  }

  close(): void {
    for (const [interest, sight] of this.#sights) interest.relays.delete(sight);
    this.#sights.clear();
  }
}
