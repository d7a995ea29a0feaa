/** Rules that the crowd room and its page share. */

/** The width and the height of the map. */
export const MAP = 2000;
/** How far a walker sees. */
export const SIGHT = 200;
/** How far one step leads. */
export const STRIDE = 12;

export function onMap(value: number): number {
  return Math.min(Math.max(value, 0), MAP);
}
