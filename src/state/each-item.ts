/**
 * A `transform` that changes each item of an array, or each value of an object, instead of the whole.
 *
 * @param change gets the item, and its index or key as text
 * @example
 * import { eachItem, sync } from "durable-rooms";
 * const state = () => ({ deck: sync(signal(["ace", "king"]), { transform: eachItem((card) => card.length) }) });
 */
export function eachItem<T>(
  change: (item: T, key: string) => unknown,
): (value: readonly T[] | Readonly<Record<string, T>>) => unknown {
  return (value) => {
    const changed = Object.entries(value).map(([key, item]) => [key, change(item, key)] as const);
    return Array.isArray(value) ? changed.map(([, item]) => item) : Object.fromEntries(changed);
  };
}
