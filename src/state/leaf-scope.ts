import type { Audience, Sees } from "./audience.ts";
import type { Row } from "./rows.ts";

/** An entry of a collection that not everybody sees. */
export interface HiddenEntry {
  readonly placement: { readonly audience: Audience | undefined; readonly seenBy?: Audience | undefined };
  /** The collection. */
  readonly parent: { names(): string[] } | undefined;
  names(): string[];
}

/** What a leaf needs of the state that it is in. */
export interface LeafShared {
  /** Whether stored values are being set: that is no change. */
  readonly loading: boolean;
  /** Whether what `state()` returned becomes a state. */
  readonly isMaking: boolean;
  /** The number of the packet that what changes now is sent with. */
  readonly clock: number;
  /** The number that the room began with when it lost its memory last. */
  readonly startedIn: number;
  /** The number of the last packet with a change of a row, as far as that was stored before the room started. */
  changedBefore(row: Row): number;
  /** Fields whose visibility depends on more than who owns them. */
  readonly dynamic: { add(leaf: object): unknown; delete(leaf: object): unknown };
  /** A new id of a field that not everybody sees. */
  nextLeafId(): number;
  /** The fields of which developers were warned. */
  readonly lost: Set<string>;
  /** A value was set that is rounded back to what was there. @param where the path to the field */
  onRoundedAway(where: string): void;
  /** A computed signal or a transform that could not be read. */
  onError(error: unknown): void;
  /** A stored value that could not be read. @param names lead to it @param error why */
  onUnreadable(names: readonly string[], value: unknown, error: unknown): void;
}

/** What a leaf needs of the group that it is in. */
export interface LeafParent {
  names(): string[];
  /** Whether it is part of the state: entries that were removed are not. */
  readonly isInState: boolean;
  /** The number of the last packet in which it, or something around it, took the place of something else. */
  readonly replacedIn: number;
  /** The outermost entry around it that may not be seen at all, since it is in a hidden collection. */
  hiddenEntryAround(sees: Sees): HiddenEntry | undefined;
  childChanged(key: string): void;
}

/** Where a leaf is stored, and who sees it. */
export interface LeafPlacement {
  readonly row: Row;
  readonly persisted: boolean;
  readonly audience: Audience | undefined;
}
