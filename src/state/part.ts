import type { Sight } from "./sight.ts";

/** What is told at one time of the entries of one collection: those who are told the same share one. */
export class Part {
  readonly sights: readonly Sight[];
  /** Whether several are told the same. */
  isShared = false;

  constructor(sights: readonly Sight[]) {
    this.sights = sights;
  }

  /** As members of a JSON object. */
  get members(): string {
    return this.sights.map(({ member }) => member).join(",");
  }
}
