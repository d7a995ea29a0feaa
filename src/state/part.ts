import type { Sight } from "./sight.ts";

/** The changes of one collection with keyed visibility in one delivery. Watchers with the same changes share it. */
export class Part {
  /** The name of the collection. */
  readonly name: string;
  readonly sights: readonly Sight[];
  /** Whether, instead of the changes, everything that is visible replaces what the client has. */
  readonly isAll: boolean;
  /** Whether several watchers share it. */
  isShared = false;

  constructor(name: string, sights: readonly Sight[], isAll = false) {
    this.name = name;
    this.sights = sights;
    this.isAll = isAll;
  }

  /** As members of a JSON object. */
  get members(): string[] {
    return this.sights.map(({ member }) => member);
  }

  /** Whether each character of the members is one byte as UTF-8. */
  get isAscii(): boolean {
    for (const sight of this.sights) if (!sight.isAscii) return false;
    return true;
  }
}

/** The changes of all collections with keyed visibility for one connection. */
export type Parts = readonly Part[];
