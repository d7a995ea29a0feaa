/** Finds the value between two others. @param part 0 for the first, 1 for the second, and more beyond it */
export type Blend = (from: never, to: never, part: number) => unknown;

/** Between two numbers. */
export function number(from: number, to: number, part: number): number {
  return from + (to - from) * part;
}

/** The way from one angle to another by the shorter side, in radians. */
export function turn(from: number, to: number): number {
  const full = 2 * Math.PI;
  const way = (to - from) % full;
  return way - full * Math.round(way / full);
}

/** Between two angles in radians, by the shorter side. */
export function angle(from: number, to: number, part: number): number {
  return from + turn(from, to) * part;
}

/** Between two lists of numbers, or two objects of numbers: each of them by itself. */
export function vector<V extends readonly number[] | Readonly<Record<string, number>>>(
  from: V,
  to: V,
  part: number,
): V {
  const one = from as Readonly<Record<string, number>>;
  const blended = Object.entries(to).map(([key, value]) => [key, number(one[key] ?? value, value, part)] as const);
  return (Array.isArray(to) ? blended.map(([, value]) => value) : Object.fromEntries(blended)) as V;
}
