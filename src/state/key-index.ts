import { RefilledList } from "../protocol/binary/refilled-list.ts";
import { atOnce } from "./audience.ts";
import type { VisitRings } from "./changed-cells.ts";
import { EVERYTHING } from "./key-rules.ts";
import type { Key, Reading, SightIndex } from "./key-rules.ts";
import type { SeenEntry } from "./seen-entry.ts";
import { addTo, removeFrom } from "./sets-by-key.ts";
import { readTracked } from "./signals/adapter.ts";
import { View } from "./view.ts";
import type { Viewer } from "./viewer.ts";

/** One key, several keys, or none. */
export type Keys = Key | readonly Key[] | undefined;

class KeyView extends View {
  readonly name: string;
  readonly keys: ReadonlySet<Key> | typeof EVERYTHING;
  /** The entries of the current delivery that are or were visible. */
  readonly changed = new RefilledList<SeenEntry>();

  constructor(name: string, keys: KeyView["keys"]) {
    super();
    this.name = name;
    this.keys = keys;
  }
}

/** Finds entries and viewers by shared keys. */
export class KeyIndex implements SightIndex<readonly Key[], KeyView> {
  readonly #of: (entry: object, owner: string | undefined) => Keys;
  readonly #for: (viewer: Viewer) => Keys | typeof EVERYTHING;
  readonly #entries = new Set<SeenEntry>();
  readonly #entriesBy = new Map<Key, Set<SeenEntry>>();
  readonly #views = new Map<string, KeyView>();
  readonly #viewsBy = new Map<Key, Set<KeyView>>();
  /** The views with changed entries. */
  #changed: KeyView[] = [];
  #visit = 0;
  /** The number of the current delivery. */
  #delivery = 0;
  readonly rule = "keys";
  readonly nowhere: readonly Key[] = [];
  readonly nobody = new KeyView("nobody", new Set());

  constructor(
    of: (entry: object, owner: string | undefined) => Keys,
    keysFor: (viewer: Viewer) => Keys | typeof EVERYTHING,
  ) {
    this.#of = of;
    this.#for = keysFor;
  }

  placeOf(entry: object, owner: string | undefined, before: readonly Key[] | undefined): Reading<readonly Key[]> {
    const { value, signals } = readTracked(() => listOf(atOnce(this.#of(entry, owner), "keys")));
    return { value: before && isSame(before, value) ? before : value, signals };
  }

  viewOf(viewer: Viewer): Reading<KeyView> {
    const { value, signals } = readTracked(() => atOnce(this.#for(viewer), "keys"));
    const list = value === EVERYTHING ? undefined : listOf(value);
    return { value: this.#viewWith(list), signals };
  }

  plain(place: readonly Key[] | undefined): readonly Key[] | null {
    return place ?? null;
  }

  plainView({ keys }: KeyView): readonly Key[] | true {
    return keys === EVERYTHING ? true : [...keys];
  }

  /** There is one view for each set of keys. */
  #viewWith(list: readonly Key[] | undefined): KeyView {
    const name = list ? JSON.stringify(list.map((key) => JSON.stringify(key)).toSorted()) : "everything";
    return this.#views.get(name) ?? this.#add(new KeyView(name, list ? new Set(list) : EVERYTHING));
  }

  #add(view: KeyView): KeyView {
    this.#views.set(view.name, view);
    if (view.keys !== EVERYTHING) for (const key of view.keys) addTo(this.#viewsBy, key, view);
    return view;
  }

  drop(view: KeyView): void {
    if (this.#views.get(view.name) === view) this.#views.delete(view.name);
    if (view.keys !== EVERYTHING) for (const key of view.keys) removeFrom(this.#viewsBy, key, view);
  }

  describePlace(place: readonly Key[] | undefined): string {
    return (place ?? []).join(", ");
  }

  describeView({ keys }: KeyView): string {
    return keys === EVERYTHING ? "everything" : [...keys].join(", ");
  }

  ring({ keys }: KeyView, place: readonly Key[] | undefined): number {
    if (!place) return 0;
    return keys === EVERYTHING || place.some((key) => keys.has(key)) ? 1 : 0;
  }

  moved(entry: SeenEntry, from: readonly Key[] | undefined): void {
    for (const key of from ?? []) removeFrom(this.#entriesBy, key, entry);
    const place = entry.place as readonly Key[] | undefined;
    for (const key of place ?? []) addTo(this.#entriesBy, key, entry);
    if (place) this.#entries.add(entry);
    else this.#entries.delete(entry);
  }

  eachView({ before, place }: SeenEntry, visit: (view: KeyView) => void): void {
    this.#visit++;
    this.#eachViewOf(before as readonly Key[] | undefined, visit);
    if (place !== before) this.#eachViewOf(place as readonly Key[] | undefined, visit);
    const all = this.#views.get("everything");
    if (all) visit(all);
  }

  #eachViewOf(place: readonly Key[] | undefined, visit: (view: KeyView) => void): void {
    for (const key of place ?? []) {
      for (const view of this.#viewsBy.get(key) ?? []) {
        if (view.visit === this.#visit) continue;
        view.visit = this.#visit;
        visit(view);
      }
    }
  }

  begin(changed: readonly SeenEntry[], delivery: number): readonly View[] {
    this.end();
    this.#delivery = delivery;
    for (const entry of changed) {
      this.eachView(entry, (view) => {
        if (view.changed.size === 0) this.#changed.push(view);
        view.changed.add(entry);
      });
    }
    return this.#changed;
  }

  eachChanged(before: KeyView, now: KeyView, visit: VisitRings): void {
    const ringNow = ({ place }: SeenEntry) => this.ring(now, place as readonly Key[] | undefined);
    const ringBefore = (entry: SeenEntry) => this.ring(before, entry.before as readonly Key[] | undefined);
    now.changed.forEach((entry) => {
      const to = ringNow(entry);
      if (to > 0) visit(entry, ringBefore(entry), to);
    });
    before.changed.forEach((entry) => {
      const from = ringBefore(entry);
      if (from > 0 && ringNow(entry) === 0) visit(entry, from, 0);
    });
  }

  eachUnchanged(before: KeyView, now: KeyView, visit: VisitRings): void {
    this.eachEntry(before, now, (entry) => {
      const place = entry.place as readonly Key[] | undefined;
      if (entry.touchedIn !== this.#delivery) visit(entry, this.ring(before, place), this.ring(now, place));
    });
  }

  end(): void {
    for (const { changed } of this.#changed) changed.clear();
    this.#changed = [];
  }

  eachEntry({ keys: one }: KeyView, { keys: other }: KeyView, visit: (entry: SeenEntry) => void): void {
    if (one === EVERYTHING || other === EVERYTHING) return this.#entries.forEach(visit);
    const found = new Set<SeenEntry>();
    for (const keys of new Set([one, other]))
      for (const key of keys) for (const entry of this.#entriesBy.get(key) ?? []) found.add(entry);
    found.forEach(visit);
  }

  *viewsWith(key: Key): Iterable<View> {
    yield* this.#viewsBy.get(key) ?? [];
    const all = this.#views.get("everything");
    if (all) yield all;
  }
}

/** @throws Error if a value is not a key */
export function listOf(keys: Keys): readonly Key[] {
  if (keys === undefined || keys === null) return [];
  const list: readonly unknown[] = Array.isArray(keys) ? keys : [keys];
  for (const key of list)
    if (typeof key !== "string" && !Number.isFinite(key))
      throw new Error(`A key of visibleTo has to be a string or a finite number, not ${String(key)}`);
  return [...new Set(list as readonly Key[])];
}

function isSame(one: readonly Key[], other: readonly Key[]): boolean {
  return one.length === other.length && one.every((key, index) => key === other[index]);
}
