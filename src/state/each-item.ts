declare const ITEM: unique symbol;

/** The result of {@link eachItem}: an array of R for an array, an object of R for an object. */
export interface Items<R> {
  readonly [ITEM]: R;
}

/**
 * Makes a `transform` for {@link sync} that changes each item of an array, or each value of an object.
 *
 * @param change returns what clients get for one item. It gets the item, and its index or key as text
 * @example
 * import { eachItem, sync } from "durable-rooms";
 * const state = () => ({ deck: sync(signal(["ace", "king"]), { transform: eachItem((card) => card.length) }) });
 */
export function eachItem<T, R>(
  change: (item: T, key: string) => R,
): (value: readonly T[] | Readonly<Record<string, T>>) => Items<R> {
  return (value) => {
    const changed = Object.entries(value).map(([key, item]) => [key, change(item, key)] as const);
    const items = Array.isArray(value) ? changed.map(([, item]) => item) : Object.fromEntries(changed);
    return items as unknown as Items<R>;
  };
}
