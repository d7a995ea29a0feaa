import { RefilledList } from "../protocol/binary/refilled-list.ts";
import type { SightIndex } from "./key-rules.ts";
import { Part } from "./part.ts";
import type { Rings } from "./rings.ts";
import type { SeenEntry } from "./seen-entry.ts";
import type { Sight } from "./sight.ts";
import type { View, Watcher } from "./view.ts";

/** The changes of one collection in one delivery, by how watchers looked before and how they look now. */
export class Delivery {
  readonly number: number;
  readonly #index: SightIndex;
  readonly #rings: Rings | undefined;
  /** The views in which something has changed. */
  readonly views: readonly View[];
  readonly #used: View[] = [];
  /** Whether there are entries without changes for watchers that stay in a view. */
  readonly #hasOthers: boolean;
  /** Collects the changes for a watcher. */
  readonly #sights = new RefilledList<Sight>();

  /** @param number the number of this delivery */
  constructor(
    index: SightIndex,
    rings: Rings | undefined,
    number: number,
    touched: Iterable<SeenEntry>,
    hasOthers: boolean,
  ) {
    this.#index = index;
    this.#rings = rings;
    this.number = number;
    this.#hasOthers = hasOthers;
    this.views = index.begin(touched);
  }

  /** The changes for a watcher. */
  for({ before, view, own }: Watcher): Part {
    const part = this.#between(before ?? view, view);
    if (!own) return part;
    const rings = [this.#index.ring(before ?? view, own.before), this.#index.ring(view, own.place)];
    if (rings.every((ring) => ring > 0 && !this.#rings?.isLate(ring))) return part;
    const sight = this.#ownSight(own);
    const others = part.sights.filter(({ key }) => key !== own.key);
    return new Part(sight ? [...others, sight] : others);
  }

  /** The changes of a user's own entry for that user. Rings do not delay them. */
  #ownSight(own: SeenEntry): Sight | undefined {
    if (!own.node) return own.wasThere ? own.gone : undefined;
    return own.wasThere ? own.changed : own.whole;
  }

  /** The same for a watcher that is shown only some entries of its view. */
  ofShown({ before, view, own, shown, shownBefore }: Watcher): Part {
    const sights: (Sight | undefined)[] = own ? [this.#ownSight(own)] : [];
    for (const entry of shown ?? []) {
      if (entry === own) continue;
      const ring = this.#index.ring(view, entry.place) || 1;
      const had = shownBefore?.has(entry) ? this.#index.ring(before ?? view, entry.before) || ring : 0;
      sights.push(this.sight(entry, had, ring));
    }
    for (const entry of shownBefore ?? []) if (entry !== own && !shown?.has(entry)) sights.push(entry.gone);
    return new Part(sights.filter((sight) => sight !== undefined));
  }

  /**
   * What a watcher gets about an entry. @param from the ring in which the entry was, or 0 if it was not visible @param
   * to the ring in which it is now
   */
  sight(entry: SeenEntry, from: number, to: number): Sight | undefined {
    if (to === 0) return from === 0 ? undefined : entry.gone;
    if (from === 0) return entry.whole;
    // A watcher that moves to another ring has what was sent for the first one, and gets the rest now.
    if (this.#rings && from === to && !this.#rings.isDue(to)) return undefined;
    return this.#rings?.isLate(from) ? entry.lateFor(from) : entry.changed;
  }

  end(): void {
    this.#index.end();
    for (const view of this.#used) view.parts = undefined;
  }

  /** All watchers with the same view before and the same view now get the same changes. */
  #between(before: View, now: View): Part {
    const known = now.parts?.find((told) => told.before === before);
    if (known) {
      known.part.isShared = true;
      return known.part;
    }
    const part = new Part(this.#sightsIn(before, now));
    // No other watcher can get the same changes.
    if (now.watchers.size === 1) return part;
    if (!now.parts) {
      now.parts = [];
      this.#used.push(now);
    }
    now.parts.push({ before, part });
    return part;
  }

  /** @param before the view of a watcher before this delivery */
  #sightsIn(before: View, now: View): readonly Sight[] {
    this.#sights.clear();
    this.#index.eachChanged(before, now, this.#tell);
    if (before !== now && this.#hasOthers) this.#tellOthers(before, now);
    return this.#sights.copy();
  }

  readonly #tell = (entry: SeenEntry, from: number, to: number) => {
    const sight = this.sight(entry, from, to);
    if (sight) this.#sights.add(sight);
  };

  /** Entries without changes become visible or hidden, because the watcher moved. */
  #tellOthers(before: View, now: View): void {
    const index = this.#index;
    index.eachEntry(before, now, (entry) => {
      const { touchedIn, place } = entry;
      if (touchedIn === this.number) return;
      const [from, to] = [index.ring(before, place), index.ring(now, place)];
      if (from !== to) this.#tell(entry, from, to);
    });
  }
}
