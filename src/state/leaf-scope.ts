import type { Audience, Sees } from "./audience.ts";
import type { Row } from "./rows.ts";

/** An entry of a collection that not everyone sees. */
export interface HiddenEntry {
  readonly placement: { readonly audience: Audience | undefined; readonly seenBy?: Audience | undefined };
  /** The collection. */
  readonly parent: { names(): string[] } | undefined;
  names(): string[];
}

/** The parts of the state that a leaf needs. */
export interface LeafShared {
  /** Whether stored values are being loaded, which are not changes. */
  readonly loading: boolean;
  /** Whether the result of `state()` is becoming a state. */
  readonly isMaking: boolean;
  /** The number of the packet that will contain the next changes. */
  readonly clock: number;
  /** The first number after the room last lost its memory. */
  readonly startedIn: number;
  /** The number of the last packet with a change of a row, if it was stored before the room started. */
  changedBefore(row: Row): number;
  /** Fields whose visibility depends on more than their owner. */
  readonly dynamic: { add(leaf: object): unknown; delete(leaf: object): unknown };
  /** Returns a new id for a field that not everyone sees. */
  nextLeafId(): number;
  /** A signal changed that predicates may read. */
  answersChanged(): void;
  /** The fields for which developers were warned. */
  readonly lost: Set<string>;
  /** A value was set that was rounded to the previous value. @param where the path of the field */
  onRoundedAway(where: string): void;
  /** A computed signal or a transform failed. */
  onError(error: unknown): void;
  /** A stored value could not be read. @param names the path @param error the reason */
  onUnreadable(names: readonly string[], value: unknown, error: unknown): void;
}

/** The parts of the group that a leaf needs. */
export interface LeafParent {
  names(): string[];
  /** Whether it is part of the state. Removed entries are not. */
  readonly isInState: boolean;
  /** The number of the last packet in which it, or an object around it, replaced another value. */
  readonly replacedIn: number;
  /** The outermost entry around it that is in a hidden collection and that the viewer may not see. */
  hiddenEntryAround(sees: Sees): HiddenEntry | undefined;
  childChanged(key: string): void;
}

/** Where a leaf is stored, and who sees it. */
export interface LeafPlacement {
  readonly row: Row;
  readonly persisted: boolean;
  readonly audience: Audience | undefined;
}
