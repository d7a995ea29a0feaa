import type { Part } from "./types.ts";

/** The maximum number of items of a list that are sent. */
export const MOST_ROWS = 100;

/** The first items of a list, and the number of all. */
export function firstOf<T, U>(items: readonly T[], view: (item: T) => U, most = MOST_ROWS): Part<U> {
  return { total: items.length, first: items.slice(0, most).map(view) };
}
