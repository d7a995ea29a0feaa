/** A stored row. Of the runtime's own rows, a part gets its kind only, with what follows the kind in the key. */
export type StoredRow = [key: string, value: unknown];

/** The runtime's own rows, by their kind. */
export interface OwnRows {
  /** Those of one kind, by the rest of their keys; empty for a kind that has one row. */
  of(kind: string): readonly StoredRow[];
}

/** What a room asks of its parts. A part has the methods that it needs. */
export interface RoomPart {
  /** The room wakes: takes the part's own rows. */
  load?(rows: OwnRows): void;
  /** A connection was added, or removed. */
  connectionsChanged?(): void;
  /** A turn of the event loop ends. */
  endTurn?(): void;
  /** When it is to be woken, in ms since 1970; undefined if not at all. */
  due?(): number | undefined;
  /** It is due. A throw is retried with backoff. */
  run?(now: number): void | Promise<void>;
  /** Whether it may run again before it is done: then `due` leaves out what runs already. */
  readonly mayOverlap?: boolean;
  /** The alarm rang, for whichever part. */
  rang?(): void;
}
