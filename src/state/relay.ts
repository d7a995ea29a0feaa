import type { SightIndex } from "./key-rules.ts";
import type { SeenEntry } from "./seen-entry.ts";
import type { Watcher } from "./view.ts";

/** Receives once what several watchers see of a collection, and forwards it to them. */
export interface Relay {
  /** Finds its watchers by their views. */
  readonly index: SightIndex;
  /** @param isExact whether the watcher has exactly what it sees */
  entered(watcher: Watcher, isExact: boolean): void;
  left(watcher: Watcher): void;
  /** @param touched entries with changes @param moved watchers whose view changed, including those of others */
  deliver(touched: ReadonlySet<SeenEntry>, moved: readonly Watcher[]): void;
}

/** The relays of one shard. */
export interface Relays {
  /** @param interest the keyed visibility of the collection */
  of(interest: object): Relay;
}
