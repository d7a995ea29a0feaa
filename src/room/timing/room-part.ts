/** A stored row. The key of a row that a part loads is without its kind: `abc` for `$session:abc`. */
export type StoredRow = [key: string, value: unknown];

/** The rows of the runtime, by kind. */
export interface OwnRows {
  /** The rows of one kind. The key is empty for a kind with a single row. */
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
  /** When the part is due, in ms since 1970. Undefined if it is not. */
  due?(): number | undefined;
  /** The part is due. If it throws, it is run again with backoff. */
  run?(now: number): void | Promise<void>;
  /** Whether it may run again before it is done. Then `due` has to leave out work that is running. */
  readonly mayOverlap?: boolean;
  /** The alarm rang, for this part or for another. */
  rang?(): void;
}

/** Something that is stored in one transaction with the state. */
export interface Companion {
  readonly isUnsaved: boolean;
  /** @param isAll whether everything is being stored */
  write(isAll: boolean): void;
  /** Everything was written, including the state. */
  saved(isAll: boolean): void;
}
