/** A stored value that could not be read. Its field has started with the initial value. */
export interface Quarantined {
  /**
   * Where the value belongs: names of fields and keys of entries, joined with dots. For the runtime's own rows, the key
   * of the row.
   */
  readonly key: string;
  /** The stored value, unchanged. */
  readonly value: unknown;
  /** Why it could not be read. */
  readonly reason: string;
  /** When the problem was found, in ms since 1970. */
  readonly at: number;
}

/** The stored values that could not be read. The newest 10,000 are kept. */
export interface RoomQuarantine {
  /** Returns all values, oldest first. */
  list(): readonly Quarantined[];
  /** Deletes a value permanently. */
  delete(key: string): void;
}
