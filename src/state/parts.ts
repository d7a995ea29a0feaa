import type { Interest } from "./interest.ts";
import type { Part } from "./part.ts";

/** The changes of one collection with keyed visibility for one connection. */
interface OfCollection {
  readonly interest: Interest;
  /** "all" if everything that is visible replaces what the client has. */
  readonly part: Part | "all";
}

/** The changes of all collections with keyed visibility for one connection. */
export type Parts = readonly OfCollection[];
