import type { RoomMetrics, ShardMetrics } from "../platform/metrics.ts";
import type { ListingPlace, ListingReport } from "../room/listing/report.ts";
import type { Assignment, LocationHint } from "./assignment.ts";

/** How a World reaches rooms and shards. No outsider can: these are calls between objects. */

/** The shards of a World. */
export interface ShardHost {
  /** Tells a shard its assignment, or a change of it. @param hint used for the first call only */
  assign(assignment: Assignment, hint?: LocationHint): Promise<void>;
  /** The shard closes its remaining connections with 4503, and forgets its assignment. */
  retire(shardId: string): Promise<void>;
}

/** The rooms that a World lists. */
export interface RoomHost {
  /**
   * Asks a room for its listing. This starts a room that has never run.
   * @param isMade whether this creates the room. A room that is only asked and was destroyed does not begin again
   * @returns null if it is not listed here
   */
  ask(place: ListingPlace, worldId: string, isMade?: boolean): Promise<ListingReport | null>;
}

/** The rooms and shards of a World, for their metrics. */
export interface MetricsHost {
  room(place: ListingPlace): Promise<RoomMetrics>;
  shard(shardId: string): Promise<ShardMetrics>;
}
