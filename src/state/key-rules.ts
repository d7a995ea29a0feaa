import type { VisitRings } from "./changed-cells.ts";
import type { CellRule } from "./grid.ts";
import type { Position, SeenEntry } from "./seen-entry.ts";
import type { View } from "./view.ts";
import type { Viewer } from "./viewer.ts";

/** Entries and viewers with a common key see each other. */
export type Key = string | number;
/** Returned from `for` of {@link byKey} instead of keys: the viewer sees all entries. */
export const EVERYTHING: unique symbol = Symbol.for("durable-rooms.everything");

/**
 * The result for an entry or a viewer, and the signals that it was computed from. Undefined if the signals are the same
 * as last time.
 */
export interface Reading<T> {
  readonly value: T;
  readonly signals: Iterable<unknown> | undefined;
  /** Whether it would be different without the previous result. */
  readonly isHeld?: boolean;
  readonly at?: Position | undefined;
}

/** A ring of distant entries, whose changes are sent less often. */
export interface Ring {
  /** The minimum time between two packets, in ms. 0 for none. */
  readonly period: number;
}

/** The rules by which viewers see the entries of a collection. Several rooms may use the rules of one definition. */
export interface KeyRules {
  /**
   * The fields that an entry's place is computed from, in the entry and in the viewer's own entry, if they are known.
   * If clients get these fields, their changes are noticed without observing signals, which costs more than everything
   * else.
   */
  readonly fields: readonly string[] | undefined;
  /** Whether viewers always see their own entry. */
  readonly seesOwn: boolean;
  /** From 1, nearest first. Index 0 is for entries without a position. */
  readonly rings?: readonly Ring[] | undefined;
  /** The maximum number of visible entries: the nearest ones. */
  readonly nearest?: number | undefined;
  createIndex(): SightIndex;
}

/** Decides what is visible from where, for a shard that knows the places of entries and viewers. */
export type SightRule = CellRule | "keys";

/** The places of a collection's entries, and the views of its viewers. P: a place. W: a view. */
export interface SightIndex<P = unknown, W extends View = View> {
  /** The place of an entry whose place is unknown. */
  readonly nowhere: P | undefined;
  /** The view of a viewer that sees nothing. */
  readonly nobody: W;
  readonly rule: SightRule;
  /** A place or a view as JSON. */
  plain(place: P | undefined): unknown;
  plainView(view: W): unknown;
  /** @param before the previous place of the entry. Undefined to ignore it */
  placeOf(entry: object, owner: string | undefined, before: P | undefined): Reading<P | undefined>;
  /** @param before the previous view. Undefined to ignore it */
  viewOf(viewer: Viewer, before: W | undefined): Reading<W>;
  /** The view of users from the place of their own entry, if that decides it. */
  viewFrom?(place: P | undefined): W;
  /** The ring of a place in a view. 0 if the place is not visible. */
  ring(view: W, place: P | undefined): number;
  /** The place of an entry changed. */
  moved(entry: SeenEntry, from: P | undefined): void;
  /** Visits each view from which an entry is or was visible, each once, and perhaps others. */
  eachView(entry: SeenEntry, visit: (view: View) => void): void;
  /**
   * Begins a delivery of changed entries. Until {@link end}, their places and views stay the same.
   * @param delivery its number. Changed entries know it
   * @returns the views from which one of them is or was visible, and perhaps others
   */
  begin(changed: readonly SeenEntry[], delivery: number): readonly View[];
  /**
   * Visits each changed entry that was visible in one view or is visible in the other, each once.
   * @param visit takes its rings then and now
   */
  eachChanged(before: W, now: W, visit: VisitRings): void;
  /** Visits each other entry that is visible in one of the views, each once, and perhaps others. */
  eachUnchanged(before: W, now: W, visit: VisitRings): void;
  end(): void;
  /** Visits each entry that is visible in one of two views, each once, and perhaps others. */
  eachEntry(one: W, other: W, visit: (entry: SeenEntry) => void): void;
  /** The views with a key. */
  viewsWith(key: Key): Iterable<View>;
  /** A place or a view as text for people. */
  describePlace(place: P | undefined): string;
  describeView(view: W): string;
  /** A view has no watchers any more. */
  drop(view: W): void;
}
