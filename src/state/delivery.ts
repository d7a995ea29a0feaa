import { RefilledList } from "../protocol/binary/refilled-list.ts";
import type { SightIndex } from "./key-rules.ts";
import { Part } from "./part.ts";
import type { Rings } from "./rings.ts";
import type { SeenEntry } from "./seen-entry.ts";
import type { Sight } from "./sight.ts";
import type { View, Watcher } from "./view.ts";

const NO_PARTS: NonNullable<View["parts"]> = [];

/** The changes of one collection in one delivery, by how watchers looked before and how they look now. */
export class Delivery {
  readonly number: number;
  /** The name of the collection. */
  readonly #name: string;
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
    name: string,
    index: SightIndex,
    rings: Rings | undefined,
    number: number,
    touched: readonly SeenEntry[],
    hasOthers: boolean,
  ) {
    this.#name = name;
    this.#index = index;
    this.#rings = rings;
    this.number = number;
    this.#hasOthers = hasOthers;
    this.views = index.begin(touched, number);
    for (const view of this.views) view.changedIn = number;
  }

  /** The changes for a watcher. Undefined for none. @param own its own entry, if that is always visible */
  for({ before, view }: Watcher, own: SeenEntry | undefined): Part | undefined {
    const isOwnTouched = own?.touchedIn === this.number;
    if (!before && !isOwnTouched && view.changedIn !== this.number) return undefined;
    const part = this.#between(before ?? view, view);
    if (!own || (!before && !isOwnTouched) || this.#isLikeOthers(own, before ?? view, view)) return part;
    const sight = this.#ownSight(own);
    const others = part.sights.filter(({ key }) => key !== own.key);
    return new Part(this.#name, sight ? [...others, sight] : others);
  }

  /** Whether a watcher gets the changes of its own entry as those of others. */
  #isLikeOthers(own: SeenEntry, before: View, now: View): boolean {
    return this.#isInTime(this.#index.ring(before, own.before)) && this.#isInTime(this.#index.ring(now, own.place));
  }

  /** Whether entries in a ring are visible, and their changes are not delayed. */
  #isInTime(ring: number): boolean {
    return ring > 0 && !this.#rings?.isLate(ring);
  }

  /** The changes of a user's own entry for that user. Rings do not delay them. */
  #ownSight(own: SeenEntry): Sight | undefined {
    if (!own.node) return own.wasThere ? own.gone : undefined;
    return own.wasThere ? own.changed : own.whole;
  }

  /** The same for a watcher that is shown only some entries of its view. */
  ofShown({ before, view, shown, shownBefore, chosenIn }: Watcher, own: SeenEntry | undefined): Part | undefined {
    if (chosenIn !== this.number) return undefined;
    const sights: (Sight | undefined)[] = own ? [this.#ownSight(own)] : [];
    for (const entry of shown ?? []) {
      if (entry === own) continue;
      const ring = this.#index.ring(view, entry.place) || 1;
      const had = shownBefore?.has(entry) ? this.#index.ring(before ?? view, entry.before) || ring : 0;
      sights.push(this.sight(entry, had, ring));
    }
    for (const entry of shownBefore ?? []) if (entry !== own && !shown?.has(entry)) sights.push(entry.gone);
    return new Part(
      this.#name,
      sights.filter((sight) => sight !== undefined),
    );
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
    for (const known of now.parts ?? NO_PARTS) {
      if (known.before !== before) continue;
      known.part.isShared = true;
      return known.part;
    }
    const part = new Part(this.#name, this.#sightsIn(before, now));
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
    // Entries without changes become visible or hidden because the watcher moved.
    if (before !== now && this.#hasOthers) this.#index.eachUnchanged(before, now, this.#tell);
    return this.#sights.copy();
  }

  readonly #tell = (entry: SeenEntry, from: number, to: number) => {
    const sight = this.sight(entry, from, to);
    if (sight) this.#sights.add(sight);
  };
}
