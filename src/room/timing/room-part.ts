/** A stored row. In the rows that a part loads, the key is what follows the kind: `abc` for `$session:abc`. */
export type StoredRow = [key: string, value: unknown];

/** The runtime's own rows, by their kind. */
export interface OwnRows {
  /** The rows of one kind. The key is empty for a kind that has a single row. */
  of(kind: string): readonly StoredRow[];
}

/** The interface of a part of a room. A part implements the methods that it needs. */
export interface RoomPart {
  /** The room wakes: the part loads its own rows. */
  load?(rows: OwnRows): void;
  /** A connection was added, or removed. */
  connectionsChanged?(): void;
  /** A turn of the event loop ends. */
  endTurn?(): void;
  /** When the part wants to run, in ms since 1970; undefined if it does not. */
  due?(): number | undefined;
  /** The part is due. If it throws, it is run again with backoff. */
  run?(now: number): void | Promise<void>;
  /** Whether it may run again before it is done: then `due` has to leave out what is running already. */
  readonly mayOverlap?: boolean;
  /** The alarm rang, for this part or for another. */
  rang?(): void;
}

/** Something else that is stored in one transaction with the state. */
export interface Companion {
  readonly isUnsaved: boolean;
  /** @param isAll whether nothing stays unsaved */
  write(isAll: boolean): void;
  /** All was written, that of the state too. */
  saved(isAll: boolean): void;
}
