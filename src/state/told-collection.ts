import { applyPatchInPlace } from "../protocol/apply-patch.ts";
import type { Plain } from "../protocol/values.ts";
import type { SightChanges } from "./sight-changes.ts";
import type { KeyedCollection } from "./entry-index.ts";
import { Interest } from "./interest.ts";
import type { EntryNode } from "./node.ts";
import { toldIndex } from "./told-index.ts";
import type { ToldPlace } from "./told-index.ts";

/** An entry that a client of the shard may see. */
class ToldEntry implements ToldPlace {
  place: unknown;
  readonly target = this;
  readonly value: Plain = {};

  textFor(): string {
    return JSON.stringify(this.value);
  }
}

type All = NonNullable<SightChanges["all"]>;

/** A collection with keyed visibility, as far as clients of the shard see it. */
export class ToldCollection implements KeyedCollection {
  readonly name: string;
  readonly isOfUsers: boolean;
  readonly interest: Interest;
  readonly shared = { onError: () => {} };
  readonly #entries = new Map<string, ToldEntry>();

  constructor(name: string, { rule, seesOwn, looksFromOwn, periods, nearest }: All) {
    this.name = name;
    this.isOfUsers = seesOwn || looksFromOwn;
    this.interest = new Interest(this, {
      fields: undefined,
      seesOwn,
      rings: periods?.map((period) => ({ period })),
      nearest,
      createIndex: () => toldIndex(rule, looksFromOwn, nearest !== undefined),
    });
  }

  names(): string[] {
    return [this.name];
  }

  settled(key: string): EntryNode | undefined {
    return this.#entries.get(key) as unknown as EntryNode | undefined;
  }

  allSettled(): Iterable<[string, EntryNode]> {
    return this.#entries as unknown as Iterable<[string, EntryNode]>;
  }

  /** Takes changes. The collection's keyed visibility delivers them. */
  take(changes: SightChanges): void {
    const patch = JSON.parse(changes.patch) as Plain;
    const places = JSON.parse(changes.places) as Plain;
    for (const [key, change] of Object.entries(patch)) {
      if (typeof change === "string") this.#entries.delete(key);
      else applyPatchInPlace(this.#entry(key).value, change as Plain);
      this.interest.changed(key, change);
    }
    for (const [key, place] of Object.entries(places)) {
      this.#entry(key).place = place;
      this.interest.entries.stale.add(key);
    }
  }

  #entry(key: string): ToldEntry {
    let entry = this.#entries.get(key);
    if (!entry) this.#entries.set(key, (entry = new ToldEntry()));
    return entry;
  }
}
