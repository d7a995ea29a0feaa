import type { ToldSights } from "./told-sights.ts";

/** The code that a shard needs to decide which of its clients see what. */
interface SightParts {
  readonly ToldSights: typeof ToldSights;
}

let parts: SightParts | undefined;

/** Registers the code, since a room of the service uses keyed visibility. Otherwise the Worker does not contain it. */
export function provideSights(provided: SightParts): void {
  parts = provided;
}

export function sightParts(): SightParts | undefined {
  return parts;
}
