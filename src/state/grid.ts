import type { Position } from "./seen-entry.ts";

/** A square of the plane, or a cube of space. */
export interface Cell {
  readonly column: number;
  readonly row: number;
  readonly floor: number;
}

/**
 * Relative to the innermost radius: the width of a cell, and how far something may be outside of its cell before it
 * changes the cell. The largest distance at which two can see each other, in n dimensions, is radius + 2√n × margin +
 * 2√n × (width + margin): 1.34 radii in the plane, 1.43 in space. Cells are smaller in space, since a larger share of
 * what is visible is far.
 */
const PLANE = { width: 0.08, margin: 0.02, most: 32 };
const SPACE = { width: 0.09, margin: 0.015, most: 16 };
/** Positions farther out, in cells, are not precise enough. */
const FARTHEST = 2 ** 45;

/** Decides which cells are visible from which. */
export interface CellRule {
  /** Visible cells are at most this many cells away in each direction. */
  readonly reach: number;
  readonly isFlat: boolean;
  /** The number of the ring for each offset of a cell within reach. 0 beyond. */
  readonly rings: Readonly<Record<number, number>>;
}

/** The number of the ring of a cell, seen from another. 0 if it is not visible. */
export function ringOf({ reach, isFlat, rings }: CellRule, from: Cell, to: Cell): number {
  const column = to.column - from.column + reach;
  const row = to.row - from.row + reach;
  const side = 2 * reach + 1;
  if (column < 0 || column >= side || row < 0 || row >= side) return 0;
  if (isFlat) return rings[column * side + row] as number;
  const floor = to.floor - from.floor + reach;
  if (floor < 0 || floor >= side) return 0;
  return rings[(floor * side + column) * side + row] as number;
}

/** The cells of a map. */
export class Grid implements CellRule {
  readonly reach: number;
  readonly isFlat: boolean;
  readonly rings: Uint8Array;
  readonly #width: number;
  readonly #margin: number;

  /** @param radii the radii of the rings, innermost first */
  constructor(radii: readonly number[], isFlat: boolean) {
    const { width, margin, most } = isFlat ? PLANE : SPACE;
    const [inner, outer] = [radii[0] as number, radii.at(-1) as number];
    // If the outer ring is much larger than the first, cells are larger, so that there are not too many.
    this.#width = Math.max(inner * width, outer / most);
    this.#margin = inner * margin;
    this.isFlat = isFlat;
    const slack = 2 * Math.sqrt(isFlat ? 2 : 3) * this.#margin;
    this.reach = Math.floor((outer + slack) / this.#width) + 1;
    this.rings = this.#ringsOf(radii.map((radius) => radius + slack));
  }

  /** The cell of a position. Undefined if the position is not a number. @param before the previous cell */
  cellOf([x, y, up]: Position, before: Cell | undefined): Cell | undefined {
    const z = this.isFlat ? 0 : up;
    if (before && this.#isIn(x, before.column) && this.#isIn(y, before.row) && this.#isIn(z, before.floor))
      return before;
    const [column, row, floor] = [this.#indexOf(x), this.#indexOf(y), this.#indexOf(z)];
    if (!(Math.abs(column) < FARTHEST && Math.abs(row) < FARTHEST && Math.abs(floor) < FARTHEST)) return undefined;
    return before && column === before.column && row === before.row && floor === before.floor
      ? before
      : { column, row, floor };
  }

  /** Whether a position is in a cell, regardless of the previous cell. */
  isInside([x, y, z = 0]: Position, { column, row, floor }: Cell): boolean {
    return this.#indexOf(x) === column && this.#indexOf(y) === row && this.#indexOf(z) === floor;
  }

  #indexOf(position: unknown): number {
    return typeof position === "number" ? Math.floor(position / this.#width) : NaN;
  }

  #isIn(position: unknown, index: number): boolean {
    const start = index * this.#width;
    // NaN is null after a restart, which is not 0 either.
    return (
      typeof position === "number" && position >= start - this.#margin && position <= start + this.#width + this.#margin
    );
  }

  #ringsOf(distances: readonly number[]): Uint8Array {
    const offsets = Array.from({ length: 2 * this.reach + 1 }, (_, index) => index - this.reach);
    const gap = (offset: number) => Math.max(0, Math.abs(offset) - 1) * this.#width;
    const ringWithin = (...gaps: number[]) => distances.findIndex((distance) => Math.hypot(...gaps) <= distance) + 1;
    const floors = this.isFlat ? [0] : offsets;
    return Uint8Array.from(
      floors.flatMap((floor) =>
        offsets.flatMap((column) => offsets.map((row) => ringWithin(gap(floor), gap(column), gap(row)))),
      ),
    );
  }
}
