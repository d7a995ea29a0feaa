import type { Part } from "./types.ts";

/** Rows of a list that are told at most. */
export const MOST_ROWS = 100;

/** A list of which only the first are told. */
export function firstOf<T, U>(items: readonly T[], view: (item: T) => U, most = MOST_ROWS): Part<U> {
  return { total: items.length, first: items.slice(0, most).map(view) };
}
