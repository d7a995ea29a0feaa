import { tryToRead } from "./entry-index.ts";
import type { EntryIndex, KeyedCollection } from "./entry-index.ts";
import type { Key, Reading, SightIndex } from "./key-rules.ts";
import type { Relay } from "./relay.ts";
import type { SeenEntry } from "./seen-entry.ts";
import { addTo, removeFrom } from "./sets-by-key.ts";
import { Observer } from "./signals/adapter.ts";
import type { View, Watcher, Watching } from "./view.ts";
import type { Viewer } from "./viewer.ts";

/** The watchers of a collection, and their views. */
export class Watchers {
  /** Watchers whose view may have changed. Replaced, not cleared: see EntryChanges. */
  stale = new Set<Watcher>();
  /** Watchers whose view depends on their previous view. */
  readonly held = new Set<Watcher>();
  readonly #released = new Set<Watcher>();
  readonly #collection: KeyedCollection;
  readonly #entries: EntryIndex;
  readonly #index: SightIndex;
  readonly #onStale: () => void;
  readonly #isChosen: boolean;
  readonly #byConn = new Map<Watching, Watcher>();
  readonly #relays = new WeakMap<Watcher, Relay>();
  readonly #byUser = new Map<string, Set<Watcher>>();

  /** @param onStale called before a watcher becomes stale @param isChosen whether they are shown the nearest only */
  constructor(
    collection: KeyedCollection,
    entries: EntryIndex,
    index: SightIndex,
    onStale: () => void,
    isChosen: boolean,
  ) {
    this.#collection = collection;
    this.#entries = entries;
    this.#index = index;
    this.#onStale = onStale;
    this.#isChosen = isChosen;
  }

  get(conn: Watching): Watcher | undefined {
    return this.#byConn.get(conn);
  }

  of(publicId: string): Iterable<Watcher> {
    return this.#byUser.get(publicId) ?? [];
  }

  /** The watchers with a key. */
  *with(key: Key): Iterable<Watcher> {
    for (const view of this.#index.viewsWith(key)) yield* view.watchers;
  }

  add(conn: Watching, viewerOf: (conn: Watching) => Viewer, relay: Relay | undefined): Watcher {
    const watcher: Watcher = {
      conn,
      viewerOf,
      observer: undefined,
      isRelayed: relay !== undefined,
      view: this.#index.nobody,
      before: undefined,
      user: undefined,
      at: undefined,
      chosenIn: 0,
      shown: undefined,
      shownBefore: undefined,
    };
    this.#byConn.set(conn, watcher);
    if (relay) this.#relays.set(watcher, relay);
    addTo(this.#byUser, conn.publicId, watcher);
    watcher.view = this.#look(watcher, false);
    watcher.view.watchers.add(watcher);
    return watcher;
  }

  delete(watcher: Watcher): void {
    this.#byConn.delete(watcher.conn);
    removeFrom(this.#byUser, watcher.conn.publicId, watcher);
    this.stale.delete(watcher);
    this.held.delete(watcher);
    this.#released.delete(watcher);
    watcher.observer?.stop();
    watcher.view.watchers.delete(watcher);
    this.#dropIfUnused(watcher.view, watcher);
  }

  becomesStale(watcher: Watcher): void {
    this.#onStale();
    this.stale.add(watcher);
  }

  /** Entries have changes. The view of watchers that look from one of them may have changed. */
  touched(entries: readonly SeenEntry[]): void {
    if (!this.looksFromOwn) return;
    for (const { key, place, before } of entries)
      if (place !== before || this.#isChosen) for (const watcher of this.of(key)) this.stale.add(watcher);
  }

  get looksFromOwn(): boolean {
    return this.#collection.isOfUsers && this.#index.viewFrom !== undefined;
  }

  /**
   * Ignores the previous views of watchers the next time. @param isAll whether of all watchers, or only of the held
   * ones
   */
  release(isAll: boolean): void {
    for (const watcher of this.#byConn.values()) {
      // The shard chooses what the others are shown.
      if (!this.held.has(watcher) && (!isAll || watcher.isRelayed)) continue;
      this.#released.add(watcher);
      this.stale.add(watcher);
    }
  }

  /**
   * Updates the views of stale watchers. They keep their previous view until {@link settle}. @returns watchers with a
   * new view
   */
  move(): Watcher[] {
    const moved: Watcher[] = [];
    for (const watcher of this.stale) {
      const view = this.#look(watcher, !this.#released.delete(watcher));
      // A watcher that is shown only the nearest entries may be shown others.
      if (view !== watcher.view || (this.#isChosen && !(watcher.isRelayed && this.looksFromOwn))) moved.push(watcher);
      if (view === watcher.view) continue;
      watcher.before = watcher.view;
      watcher.view = view;
      watcher.before.watchers.delete(watcher);
      view.watchers.add(watcher);
    }
    this.stale = new Set();
    return moved;
  }

  settle(moved: readonly Watcher[]): void {
    for (const watcher of moved) {
      if (watcher.before) this.#dropIfUnused(watcher.before, watcher);
      watcher.before = undefined;
    }
  }

  #dropIfUnused(view: View, watcher: Watcher): void {
    if (view.watchers.size === 0) this.#indexOf(watcher).drop(view);
  }

  /** The relay of a watcher. Undefined if it gets changes directly. */
  relayOf(watcher: Watcher): Relay | undefined {
    return watcher.isRelayed ? this.#relays.get(watcher) : undefined;
  }

  #indexOf(watcher: Watcher): SightIndex {
    return this.relayOf(watcher)?.index ?? this.#index;
  }

  /** @param isAfter whether its previous view matters */
  #look(watcher: Watcher, isAfter: boolean): View {
    const { value, signals, isHeld, at } = this.looksFromOwn ? this.#fromOwn(watcher) : this.#read(watcher, isAfter);
    if (signals) (watcher.observer ??= new Observer(() => this.becomesStale(watcher))).observe(signals);
    if (isHeld) this.held.add(watcher);
    else this.held.delete(watcher);
    watcher.at = at;
    return value;
  }

  #fromOwn(watcher: Watcher): Reading<View> {
    const own = this.#entries.get(watcher.conn.publicId);
    return {
      value: (this.#indexOf(watcher).viewFrom as (place: unknown) => View)(own?.place),
      signals: undefined,
      at: own?.at,
    };
  }

  #read(watcher: Watcher, isAfter: boolean): Reading<View> {
    const viewer = watcher.viewerOf(watcher.conn);
    const isSame = viewer.user === watcher.user;
    watcher.user = viewer.user;
    const index = this.#indexOf(watcher);
    const before = isAfter && isSame ? watcher.view : undefined;
    return tryToRead(this.#collection, () => index.viewOf(viewer, before), index.nobody);
  }
}
