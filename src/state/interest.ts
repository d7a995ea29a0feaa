import { DELETE } from "../protocol/packets.ts";
import type { Plain } from "../protocol/values.ts";
import type { Audience } from "./audience.ts";
import { SAME } from "./diff.ts";
import type { Viewer } from "./viewer.ts";
import type { EntryNode } from "./node.ts";
import { EntryIndex, tryTo } from "./entry-index.ts";
import type { KeyedCollection } from "./entry-index.ts";
import { EVERYTHING } from "./key-rules.ts";
import type { Difference, Key, KeyRules, ViewerKeys } from "./key-rules.ts";
import { difference, isSameView, shares } from "./key-sets.ts";
import { addTo, removeFrom } from "./sets-by-key.ts";
import { Observer } from "./signals/adapter.ts";

/** What a viewer is sent of an entry: what changed, the whole of it, or that it is gone. */
export interface Sight {
  readonly key: string;
  /** As JSON. */
  readonly value: string;
  /** Both, as a member of a JSON object. */
  readonly text: string;
}

/** Somebody who watches. V: what stands for it. */
interface Watcher<V> {
  readonly id: V;
  readonly publicId: string;
  readonly viewer: () => Viewer;
  keys: ViewerKeys;
  /** The viewer's entry among the users, which the keys were made of. */
  user: unknown;
  /** Those that it had before the present delivery; undefined if they are the same. */
  before: ViewerKeys | undefined;
  difference: Difference | undefined;
  /** What it is told in the present delivery. */
  sights: Sight[] | undefined;
  readonly observer: Observer;
}

const NOBODY: ViewerKeys = new Set();

/**
 * Who sees which entries of one collection, by keys. Entries and viewers are found by their keys, so what is sent costs
 * what changed, what came into sight or left it, and what is sent; never viewers × entries.
 */
export class Interest<V extends object = object> {
  /** Called when something may come into sight though nothing was changed that clients are sent. */
  onStale: () => void = () => {};
  readonly #collection: KeyedCollection;
  readonly #rules: KeyRules;
  readonly #entries: EntryIndex;
  readonly #watchers = new Map<V, Watcher<V>>();
  readonly #watchersOf = new Map<Key, Set<Watcher<V>>>();
  readonly #omniscient = new Set<Watcher<V>>();
  readonly #byUser = new Map<string, Set<Watcher<V>>>();
  /** What changed of entries since the last delivery. */
  #changes = new Map<string, unknown>();
  readonly #staleWatchers = new Set<Watcher<V>>();
  /** Those of which it is not known exactly what they have. */
  readonly #lost = new Set<Watcher<V>>();
  readonly #known = new WeakMap<Viewer, ViewerKeys>();

  constructor(collection: KeyedCollection, rules: KeyRules) {
    this.#collection = collection;
    this.#rules = rules;
    this.#entries = new EntryIndex(collection, rules, () => this.#becomesStale());
  }

  /** Whether something is to be delivered that no change of the state tells of. */
  get isStale(): boolean {
    return this.#entries.stale.size > 0 || this.#staleWatchers.size > 0;
  }

  get hasHistory(): boolean {
    return this.#rules.hasHistory;
  }

  names(): string[] {
    return this.#collection.names();
  }

  /** Who sees an entry, as a condition like any other. */
  audienceOf(key: string): Audience {
    const owner = this.#collection.isOfUsers ? key : undefined;
    return { conditions: [(viewer) => this.sees(viewer, key)], owner, dynamic: true };
  }

  sees(viewer: Viewer, key: string): boolean {
    if (this.#isOwn(viewer.publicId, key)) return true;
    let keys = this.#known.get(viewer);
    if (!keys)
      this.#known.set(
        viewer,
        (keys = tryTo(this.#collection, () => this.#rules.forViewer(viewer, undefined).keys, NOBODY)),
      );
    return shares(keys, this.#entries.keysOf(key));
  }

  /** From now on, {@link sees} answers for this viewer what its watcher sees. */
  recognise(viewer: Viewer, id: V): void {
    const watcher = this.#watchers.get(id);
    if (watcher) this.#known.set(viewer, watcher.keys);
  }

  /** Somebody watches from now on, who has, or is about to be sent, all that they see. @param isExact whether that is sure */
  enter(id: V, publicId: string, viewer: () => Viewer, isExact: boolean): void {
    this.leave(id);
    this.#entries.fill();
    const watcher: Watcher<V> = {
      id,
      publicId,
      viewer,
      keys: NOBODY,
      user: NOBODY,
      before: undefined,
      difference: undefined,
      sights: undefined,
      observer: new Observer(() => this.#stale(watcher)),
    };
    this.#watchers.set(id, watcher);
    if (!isExact) this.#lost.add(watcher);
    addTo(this.#byUser, publicId, watcher);
    this.#look(watcher);
    this.#index(watcher, watcher.keys);
  }

  leave(id: V): void {
    const watcher = this.#watchers.get(id);
    if (!watcher) return;
    this.#watchers.delete(id);
    this.#staleWatchers.delete(watcher);
    this.#lost.delete(watcher);
    removeFrom(this.#byUser, watcher.publicId, watcher);
    this.#unindex(watcher, watcher.keys);
    watcher.observer.stop();
  }

  /** Takes what those have to be told who may see it, by the keys of entries. @returns that nobody else is to be told */
  settled(patch: unknown): typeof SAME {
    if (patch !== SAME) for (const [key, change] of Object.entries(patch as Plain)) this.#changes.set(key, change);
    return SAME;
  }

  /** The entry of a user is another one, or gone. */
  userChanged(publicId: string): void {
    for (const watcher of this.#byUser.get(publicId) ?? []) this.#stale(watcher);
  }

  /** The entries that a watcher sees. */
  *seenBy(id: V): Iterable<[string, EntryNode]> {
    this.#entries.fill();
    const watcher = this.#watchers.get(id);
    if (!watcher) return;
    const seen = new Set(this.#keysSeenBy(watcher));
    for (const key of seen) {
      const node = this.#collection.settled(key);
      if (node) yield [key, node];
    }
  }

  /** Those who have one of these keys. */
  watchersWith(keys: readonly Key[]): Iterable<V> {
    const found = new Set<Watcher<V>>(this.#omniscient);
    for (const key of keys) for (const watcher of this.#watchersOf.get(key) ?? []) found.add(watcher);
    return Array.from(found, ({ id }) => id);
  }

  /** All that is there counts as delivered. */
  assumeDelivered(): void {
    this.#entries.fill();
    for (const key of [...this.#changes.keys(), ...this.#entries.stale]) this.#entries.look(key);
    this.#changes.clear();
    for (const watcher of this.#staleWatchers) this.#moved(watcher);
    for (const watcher of this.#staleWatchers) this.#arrived(watcher);
    this.#staleWatchers.clear();
  }

  /** Takes what each watcher has to be sent. @param lost gets those who need all that they see, in place of what they have */
  deliver(lost: (id: V) => void): Map<V, readonly Sight[]> {
    const told: Watcher<V>[] = [];
    const changes = this.#changes;
    this.#changes = new Map();
    const before = new Map<string, readonly Key[] | undefined>();
    for (const key of new Set([...changes.keys(), ...this.#entries.stale])) {
      const previous = this.#entries.known(key);
      if (this.#entries.look(key) !== previous) before.set(key, previous);
      if (this.#collection.isOfUsers && this.#entries.isFollowed(key))
        for (const watcher of this.#byUser.get(key) ?? []) this.#staleWatchers.add(watcher);
    }
    const moved = [...this.#staleWatchers].filter((watcher) => this.#moved(watcher));
    this.#staleWatchers.clear();

    for (const [key, change] of changes) if (!before.has(key)) this.#tellChange(told, key, change);
    for (const [key, previous] of before) this.#tellMove(told, key, previous, changes.get(key));
    for (const watcher of moved) this.#tellView(told, watcher, changes, before);
    for (const watcher of moved) this.#arrived(watcher);
    const sights = new Map<V, readonly Sight[]>();
    for (const watcher of told) {
      if (!this.#lost.has(watcher)) sights.set(watcher.id, watcher.sights ?? []);
      watcher.sights = undefined;
    }
    for (const { id } of this.#lost) lost(id);
    this.#lost.clear();
    return sights;
  }

  /** An entry changed that has the keys that it had. */
  #tellChange(told: Watcher<V>[], key: string, change: unknown): void {
    const keys = this.#entries.keysOf(key);
    const sight = sightOf(key, change);
    let all: Sight | undefined;
    this.#eachSeer(key, keys, (watcher) => {
      // One that stayed is found because it sees the entry.
      if (watcher.before === undefined) return tell(told, watcher, sight);
      const [had, has] = [this.#had(watcher, key, keys), this.#has(watcher, key, keys)];
      if (had && has) tell(told, watcher, sight);
      else if (has) tell(told, watcher, (all ??= this.#whole(key)));
      else if (had) tell(told, watcher, sightOf(key, DELETE));
    });
  }

  /** An entry came, went, or has other keys. @param previous undefined if it was not there @param change if something changed */
  #tellMove(told: Watcher<V>[], key: string, previous: readonly Key[] | undefined, change: unknown): void {
    const keys = this.#entries.known(key);
    const concerned = new Set<Watcher<V>>();
    for (const some of [previous, keys]) if (some) this.#eachSeer(key, some, (watcher) => concerned.add(watcher));
    const sight = change === undefined ? undefined : sightOf(key, change);
    let all: Sight | undefined;
    let gone: Sight | undefined;
    for (const watcher of concerned) {
      const had = previous !== undefined && this.#had(watcher, key, previous);
      const has = keys !== undefined && this.#has(watcher, key, keys);
      if (had && has) {
        if (sight) tell(told, watcher, sight);
      } else if (has) tell(told, watcher, (all ??= this.#whole(key)));
      else if (had) tell(told, watcher, (gone ??= sightOf(key, DELETE)));
    }
  }

  /** A watcher has other keys: tells of the entries that stayed as they were. */
  #tellView(
    told: Watcher<V>[],
    watcher: Watcher<V>,
    changes: ReadonlyMap<string, unknown>,
    moved: ReadonlyMap<string, unknown>,
  ): void {
    const done = new Set<string>();
    const tellOf = (key: string) => {
      if (changes.has(key) || moved.has(key) || done.has(key)) return;
      const keys = this.#entries.keysOf(key);
      const [had, has] = [this.#had(watcher, key, keys), this.#has(watcher, key, keys)];
      if (had === has) return;
      done.add(key);
      tell(told, watcher, has ? this.#whole(key) : sightOf(key, DELETE));
    };
    const known = watcher.difference;
    if (!known) {
      for (const key of this.#entries.all()) tellOf(key);
      return;
    }
    for (const key of known.added) for (const entry of this.#entries.with(key)) tellOf(entry);
    for (const key of known.removed) for (const entry of this.#entries.with(key)) tellOf(entry);
  }

  #whole(key: string): Sight {
    return sightOfText(key, this.#collection.settled(key)?.textFor(NOBODY_ELSE) ?? "{}");
  }

  #had(watcher: Watcher<V>, key: string, keys: readonly Key[]): boolean {
    return this.#isOwn(watcher.publicId, key) || shares(watcher.before ?? watcher.keys, keys);
  }

  #has(watcher: Watcher<V>, key: string, keys: readonly Key[]): boolean {
    return this.#isOwn(watcher.publicId, key) || shares(watcher.keys, keys);
  }

  #isOwn(publicId: string, key: string): boolean {
    return this.#rules.seesOwn && this.#collection.isOfUsers && publicId === key;
  }

  /** Each watcher once that may see an entry with these keys, or saw it before it moved. */
  #eachSeer(entryKey: string, keys: readonly Key[], visit: (watcher: Watcher<V>) => void): void {
    const [only] = keys;
    let watchers = keys.length === 1 ? this.#watchersOf.get(only as Key) : undefined;
    if (keys.length > 1) {
      watchers = new Set();
      for (const key of keys) for (const watcher of this.#watchersOf.get(key) ?? []) watchers.add(watcher);
    }
    watchers?.forEach(visit);
    for (const watcher of this.#omniscient) if (!watchers?.has(watcher)) visit(watcher);
    for (const watcher of this.#owners(entryKey))
      if (!watchers?.has(watcher) && !this.#omniscient.has(watcher)) visit(watcher);
  }

  #owners(entryKey: string): Iterable<Watcher<V>> {
    return this.#rules.seesOwn && this.#collection.isOfUsers ? (this.#byUser.get(entryKey) ?? []) : [];
  }

  *#keysSeenBy({ keys, publicId }: Watcher<V>): Iterable<string> {
    if (this.#isOwn(publicId, publicId)) yield publicId;
    if (keys === EVERYTHING) yield* this.#entries.all();
    else for (const key of keys) yield* this.#entries.with(key);
  }

  #stale(watcher: Watcher<V>): void {
    this.#becomesStale();
    this.#staleWatchers.add(watcher);
  }

  #becomesStale(): void {
    if (!this.isStale) this.onStale();
  }

  /** Asks for the keys of a watcher anew. It is found by the old ones too, until {@link #arrived}. @returns whether they are others */
  #moved(watcher: Watcher<V>): boolean {
    const before = watcher.keys;
    this.#look(watcher);
    if (watcher.keys === before) return false;
    watcher.before = before;
    if (watcher.keys === EVERYTHING || before === EVERYTHING) this.#index(watcher, watcher.keys);
    else {
      watcher.difference = difference(before, watcher.keys);
      for (const key of watcher.difference.added) addTo(this.#watchersOf, key, watcher);
    }
    return true;
  }

  #arrived(watcher: Watcher<V>): void {
    const { before, keys, difference: known } = watcher;
    if (before === undefined) return;
    watcher.before = watcher.difference = undefined;
    if (known) {
      for (const key of known.removed) removeFrom(this.#watchersOf, key, watcher);
      return;
    }
    if (before === EVERYTHING) this.#omniscient.delete(watcher);
    else
      for (const key of before) if (keys === EVERYTHING || !keys.has(key)) removeFrom(this.#watchersOf, key, watcher);
    if (keys === EVERYTHING) this.#omniscient.add(watcher);
  }

  #look(watcher: Watcher<V>): void {
    const viewer = watcher.viewer();
    const known = viewer.user === watcher.user ? watcher.keys : undefined;
    watcher.user = viewer.user;
    const read = () => this.#rules.forViewer(viewer, known);
    const { keys, signals } = tryTo(this.#collection, read, { keys: NOBODY, signals: undefined });
    const isFollowed = this.#collection.isOfUsers && this.#entries.isFollowed(watcher.publicId);
    if (isFollowed) watcher.observer.stop();
    else if (signals) watcher.observer.observe(signals);
    if (!isSameView(watcher.keys, keys)) watcher.keys = keys;
  }

  #index(watcher: Watcher<V>, keys: ViewerKeys): void {
    if (keys === EVERYTHING) this.#omniscient.add(watcher);
    else for (const key of keys) addTo(this.#watchersOf, key, watcher);
  }

  #unindex(watcher: Watcher<V>, keys: ViewerKeys): void {
    if (keys === EVERYTHING) this.#omniscient.delete(watcher);
    else for (const key of keys) removeFrom(this.#watchersOf, key, watcher);
  }
}

function tell<V>(told: Watcher<V>[], watcher: Watcher<V>, sight: Sight): void {
  if (watcher.sights) watcher.sights.push(sight);
  else {
    watcher.sights = [sight];
    told.push(watcher);
  }
}

const NOBODY_ELSE = () => false;

function sightOf(key: string, value: unknown): Sight {
  return sightOfText(key, JSON.stringify(value));
}

function sightOfText(key: string, value: string): Sight {
  return { key, value, text: `${JSON.stringify(key)}:${value}` };
}
