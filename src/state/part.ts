import type { Sight } from "./sight.ts";

/** The changes of one collection in one delivery. Watchers with the same changes share it. */
export class Part {
  readonly sights: readonly Sight[];
  /** Whether several watchers share it. */
  isShared = false;

  constructor(sights: readonly Sight[]) {
    this.sights = sights;
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
