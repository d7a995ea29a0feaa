/** A stored value that could not be read: its field started anew, and it was put aside. */
export interface Quarantined {
  /** Where it was: field names and keys of entries, with dots between them; or the key of a row of the runtime's own. */
  readonly key: string;
  /** What was stored there, as it was. */
  readonly value: unknown;
  /** Why it could not be read. */
  readonly reason: string;
  /** When that was noticed, in ms since 1970. */
  readonly at: number;
}

/** The values that were put aside: the newest 10,000 at most. */
export interface RoomQuarantine {
  /** All of them, the oldest first. */
  list(): readonly Quarantined[];
  /** Forgets one, for good. */
  delete(key: string): void;
}
