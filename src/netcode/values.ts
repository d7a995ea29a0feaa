/** Computes a value between two others. @param part 0 for the first, 1 for the second; more extrapolates */
export type Blend = (from: never, to: never, part: number) => unknown;

/** Interpolates between two numbers: for `fields` of {@link interpolate}. */
export function number(from: number, to: number, part: number): number {
  return from + (to - from) * part;
}

/** The difference of two angles in radians, the shorter way round. */
export function turn(from: number, to: number): number {
  const full = 2 * Math.PI;
  const way = (to - from) % full;
  return way - full * Math.round(way / full);
}

/** Interpolates between two angles in radians, the shorter way round: for `fields` of {@link interpolate}. */
export function angle(from: number, to: number, part: number): number {
  return from + turn(from, to) * part;
}

/** Interpolates between two lists or objects of numbers, number by number: for `fields` of {@link interpolate}. */
export function vector<V extends readonly number[] | Readonly<Record<string, number>>>(
  from: V,
  to: V,
  part: number,
): V {
  const one = from as Readonly<Record<string, number>>;
  const blended = Object.entries(to).map(([key, value]) => [key, number(one[key] ?? value, value, part)] as const);
  return (Array.isArray(to) ? blended.map(([, value]) => value) : Object.fromEntries(blended)) as V;
}
