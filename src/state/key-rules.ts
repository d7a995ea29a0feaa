import type { Viewer } from "./viewer.ts";

/** Entries and viewers that have one in common see each other. */
export type Key = string | number;
/** In place of the keys of a viewer: it sees all entries. */
export const EVERYTHING: unique symbol = Symbol.for("durable-rooms.everything");
export type ViewerKeys = KeySet | typeof EVERYTHING;

/** What is in one set, and not in another. */
export interface Difference {
  readonly added: readonly Key[];
  readonly removed: readonly Key[];
}

export interface KeySet extends ReadonlySet<Key> {
  /** What it has and another has not, and the reverse, where that is known without comparing them. */
  since?(before: KeySet): Difference;
}

/** Keys, and the signals that they were made of; undefined if those are the same as the last time. */
export interface Reading<K> {
  readonly keys: K;
  readonly signals: Iterable<unknown> | undefined;
}

/** How entries and viewers get their keys. */
export interface KeyRules {
  /** Whether the same entries and viewers could have other keys, by what happened before. */
  readonly hasHistory: boolean;
  /**
   * The fields of an entry that its keys are made of, and those of the viewer's own entry, where that is known. If clients
   * are sent them, a change of one is noticed without observing it, which costs more than all the rest.
   */
  readonly fields: readonly string[] | undefined;
  /** Whether viewers always see the entry of their own user. */
  readonly seesOwn: boolean;
  /** @param before the keys that it has; undefined if it was not asked for yet */
  ofEntry(entry: object, owner: string | undefined, before: readonly Key[] | undefined): Reading<readonly Key[]>;
  forViewer(viewer: Viewer, before: ViewerKeys | undefined): Reading<ViewerKeys>;
}
