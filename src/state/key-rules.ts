import type { CellRule } from "./grid.ts";
import type { Position, SeenEntry } from "./seen-entry.ts";
import type { View } from "./view.ts";
import type { Viewer } from "./viewer.ts";

/** Entries and viewers that have one in common see each other. */
export type Key = string | number;
/** Returned from `for` of {@link byKey} instead of keys: the viewer sees all entries. */
export const EVERYTHING: unique symbol = Symbol.for("durable-rooms.everything");

/** What was asked of an entry or a viewer, and the signals that it was made of; undefined if those are the same as the last time. */
export interface Reading<T> {
  readonly value: T;
  readonly signals: Iterable<unknown> | undefined;
  /** Whether it would be another one, if it were not for what it was before. */
  readonly isHeld?: boolean;
  readonly at?: Position | undefined;
}

/** Farther entries, whose changes are sent less often. */
export interface Ring {
  /** The least time between two packets, in ms; 0 for none. */
  readonly period: number;
}

/** How entries and viewers of a collection come together. The rules of one definition may be used by many rooms. */
export interface KeyRules {
  /**
   * The fields of an entry that its place is made of, and those of the viewer's own entry, where that is known. If clients
   * are sent them, a change of one is noticed without observing it, which costs more than all the rest.
   */
  readonly fields: readonly string[] | undefined;
  /** Whether viewers always see the entry of their own user. */
  readonly seesOwn: boolean;
  /** By nearness, from 1: those of the first index are nowhere. */
  readonly rings?: readonly Ring[] | undefined;
  /** The most entries that a viewer is shown: the nearest. */
  readonly nearest?: number | undefined;
  createIndex(): SightIndex;
}

/** What is seen from where, for somebody who is told where entries and viewers are. */
export type SightRule = CellRule | "keys";

/** Where the entries of one collection are, and who looks where. P: a place. W: a way to look. */
export interface SightIndex<P = unknown, W extends View = View> {
  /** Where an entry is of which that could not be told. */
  readonly nowhere: P | undefined;
  /** How a viewer looks who sees nothing. */
  readonly nobody: W;
  readonly rule: SightRule;
  /** A place as JSON can hold it, and what is seen by whom. */
  plain(place: P | undefined): unknown;
  plainView(view: W): unknown;
  /** @param before where the entry was; undefined if what was before does not count */
  placeOf(entry: object, owner: string | undefined, before: P | undefined): Reading<P | undefined>;
  /** @param before how the viewer looked; undefined if what was before does not count */
  viewOf(viewer: Viewer, before: W | undefined): Reading<W>;
  /** How users look from their own entry, by its place, if they do. */
  viewFrom?(place: P | undefined): W;
  /** How far an entry is that is at a place: 0 if it is not seen, or the number of a ring. */
  ring(view: W, place: P | undefined): number;
  /** An entry is at another place. */
  moved(entry: SeenEntry, from: P | undefined): void;
  /** Visits each view once that sees an entry where it is or where it was, and perhaps others. */
  eachView(entry: SeenEntry, visit: (view: View) => void): void;
  /** Visits each entry once that a view sees, and perhaps others. */
  eachEntry(view: W, visit: (entry: SeenEntry) => void): void;
  /** The views that have a key. */
  viewsWith(key: Key): Iterable<View>;
  /** What people can read of a place, or of how somebody looks. */
  describePlace(place: P | undefined): string;
  describeView(view: W): string;
  /** Nobody has a view any more. */
  drop(view: W): void;
}
