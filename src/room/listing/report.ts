/** A room's report to a World. Plain data: it is sent between objects, which may run different deploys. */
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

/**
 * The port through which a room reaches Worlds. Clients cannot make such reports, since they need the service's secret.
 */
export interface Worlds {
  /**
   * @param report null removes the room from the list
   * @returns why the World refuses the report; undefined if it accepts it
   * @throws if the World cannot be reached: then the report has to be repeated
   */
  report(worldId: string, place: ListingPlace, report: ListingReport | null): Promise<string | undefined>;
}
export type ListingPlace = Pick<ListingReport, "party" | "roomId">;
