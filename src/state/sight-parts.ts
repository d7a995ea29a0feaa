import type { ToldSights } from "./told-sights.ts";

/** What a shard needs to find out which of its clients sees what by keys. */
interface SightParts {
  readonly ToldSights: typeof ToldSights;
}

let parts: SightParts | undefined;

/** A room of the service uses keys: without one, the Worker does not have this code. */
export function provideSights(provided: SightParts): void {
  parts = provided;
}

export function sightParts(): SightParts | undefined {
  return parts;
}
