import type { ListingOptions, Metadata } from "../../define/types.ts";
import type { OwnRows } from "../timing/room-part.ts";

/** A room's report to a World. Plain data: it is sent between objects, which may run different versions. */
export interface ListingReport {
  readonly party: string;
  readonly roomId: string;
  /** The path of its definition: clients look for rooms of one definition. */
  readonly path: string;
  /** As JSON. */
  readonly metadata: string;
  readonly locked: boolean;
  /** Distinct users online. */
  readonly users: number;
  /** null: no limit. */
  readonly maxUsers: number | null;
}

/** How a room reaches Worlds. Clients cannot make such reports, since they need the service's secret. */
export interface Worlds {
  /**
   * @param report null removes the room from the list
   * @returns why the World refuses the report. Undefined if it accepts it
   * @throws if the World cannot be reached. Then the report has to be repeated
   */
  report(worldId: string, place: ListingPlace, report: ListingReport | null): Promise<string | undefined>;
}
export type ListingPlace = Pick<ListingReport, "party" | "roomId">;

/** The room's entry in the list of a World. */
export interface RoomListing {
  load(rows: OwnRows): void;
  /** Lists the room, changes its entry, or with null removes it from the list. */
  set(metadata: Metadata | null, options?: ListingOptions): void;
  /** The present report for a World. Null if the room is not in its list. */
  read(worldId: string): ListingReport | null;
  /** Removes the room from the list at once. Never rejects. */
  withdraw(): Promise<void>;
}
