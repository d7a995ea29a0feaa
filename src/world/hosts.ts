import type { RoomMetrics, ShardMetrics } from "../platform/metrics.ts";
import type { ListingPlace, ListingReport } from "../room/listing/report.ts";
import type { Assignment, LocationHint } from "./assignment.ts";

/** How a World reaches rooms and shards. No outsider can: these are calls between objects. */

/** The shards of a World. */
export interface ShardHost {
  /** Tells a shard what it serves, or that this changed. @param hint counts for the first call only */
  assign(assignment: Assignment, hint?: LocationHint): Promise<void>;
  /** The shard closes what it still holds with 4503, and forgets what it served. */
  retire(shardId: string): Promise<void>;
}

/** The rooms that a World lists. */
export interface RoomHost {
  /**
   * Asks a room for its listing; a room that never ran is started by this.
   * @param isMade whether this makes the room. One that is only asked, and was destroyed, does not begin anew
   * @returns null if it is not to be listed here
   */
  ask(place: ListingPlace, worldId: string, isMade?: boolean): Promise<ListingReport | null>;
}

/** The rooms and shards of a World, for their metrics. */
export interface MetricsHost {
  room(place: ListingPlace): Promise<RoomMetrics>;
  shard(shardId: string): Promise<ShardMetrics>;
}
