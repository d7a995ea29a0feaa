/** What a World is told of a room. Plain data: it crosses between objects, and between deploys. */
export interface ListingReport {
  readonly party: string;
  readonly roomId: string;
  /** The path of its definition, by which rooms of one kind are found. */
  readonly path: string;
  /** As JSON. */
  readonly metadata: string;
  readonly locked: boolean;
  /** Distinct users online. */
  readonly users: number;
  /** null: no limit. */
  readonly maxUsers: number | null;
}

/** How a room reaches Worlds. No outsider can: it takes the secret of the service. */
export interface Worlds {
  /**
   * @param report null takes the room off the list
   * @returns why the World will not have it; undefined if it does
   * @throws if it cannot be reached: it is to be tried again
   */
  report(worldId: string, place: ListingPlace, report: ListingReport | null): Promise<string | undefined>;
}
export type ListingPlace = Pick<ListingReport, "party" | "roomId">;
