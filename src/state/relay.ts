import type { SightIndex } from "./key-rules.ts";
import type { SeenEntry } from "./seen-entry.ts";
import type { Watcher } from "./view.ts";

/**
 * When changes that may be delayed are delivered: those of farther rings, or other nearest entries. When each is due,
 * later with other changes, or now.
 */
export type Delivered = "due" | "later" | "now";

/** Receives once what several watchers see of a collection, and forwards it to them. */
export interface Relay {
  /** Finds its watchers by their views. */
  readonly index: SightIndex;
  /** @param isExact whether the watcher has exactly what it sees */
  entered(watcher: Watcher, isExact: boolean): void;
  left(watcher: Watcher): void;
  /**
   * @param touched entries with changes @param moved watchers whose view changed, including those of others
   * @param isAll whether all changes are delivered now, also those of farther rings
   */
  deliver(touched: readonly SeenEntry[], moved: readonly Watcher[], isAll: boolean): void;
}

/** The relays of one shard. */
export interface Relays {
  /** Whether they support rings and the nearest entries. */
  readonly takesRings: boolean;
  /** @param interest the keyed visibility of the collection */
  of(interest: object): Relay;
}
