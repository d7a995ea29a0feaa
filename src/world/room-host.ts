import type { ListingPlace, ListingReport } from "../room/listing/report.ts";

/** How a World reaches the rooms that it lists. No outsider can: these are calls between objects. */
export interface RoomHost {
  /**
   * Asks a room what is to be said of it now; one that never was is started by this.
   * @returns null if it is not to be listed here
   */
  ask(place: ListingPlace, worldId: string): Promise<ListingReport | null>;
}
