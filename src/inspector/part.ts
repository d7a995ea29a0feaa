import type { Part } from "./types.ts";

/** Items of a list that are sent at most. */
export const MOST_ROWS = 100;

/** The first items of a list, and how many there are. */
export function firstOf<T, U>(items: readonly T[], view: (item: T) => U, most = MOST_ROWS): Part<U> {
  return { total: items.length, first: items.slice(0, most).map(view) };
}
