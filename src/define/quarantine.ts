/** A stored value that could not be read. It was put aside, and its field started with its initial value. */
export interface Quarantined {
  /**
   * Its place: field names and keys of entries, with dots between them; or the key of one of the runtime's own rows.
   */
  readonly key: string;
  /** The stored value, unchanged. */
  readonly value: unknown;
  /** Why it could not be read. */
  readonly reason: string;
  /** When that was noticed, in ms since 1970. */
  readonly at: number;
}

/** The values that were put aside: at most the newest 10,000. */
export interface RoomQuarantine {
  /** All of them, the oldest first. */
  list(): readonly Quarantined[];
  /** Deletes one for good. */
  delete(key: string): void;
}
