import type { Cell, CellRule } from "./grid.ts";
import type { SeenEntry } from "./seen-entry.ts";

/** Takes an entry that is visible in one of two views, with its ring in each. */
export type VisitRings = (entry: SeenEntry, one: number, other: number) => void;

/**
 * Changed entries, each with a cell. Cells are compared with those of all viewers around, so their numbers are in one
 * array: reading them from entries takes several times as long. It keeps its memory when it is emptied.
 */
export class ChangedCells {
  readonly #entries: SeenEntry[] = [];
  /** The column, row and floor of each. */
  readonly #cells: number[] = [];
  size = 0;

  add(entry: SeenEntry, { column, row, floor }: Cell): void {
    const at = this.size * 3;
    this.#cells[at] = column;
    this.#cells[at + 1] = row;
    this.#cells[at + 2] = floor;
    this.#entries[this.size++] = entry;
  }

  /** Visits the entries whose cell is visible from one of two cells, with its ring from each. 0: it is not visible. */
  eachVisible(rule: CellRule, one: Cell | undefined, other: Cell | undefined, visit: VisitRings): void {
    for (let index = 0; index < this.size; index++) {
      const ring = one ? this.#ring(rule, one, index) : 0;
      const second = one === other ? ring : other ? this.#ring(rule, other, index) : 0;
      if (ring > 0 || second > 0) visit(this.#entries[index] as SeenEntry, ring, second);
    }
  }

  clear(): void {
    this.size = 0;
  }

  /** As `ringOf` of the grid does. Most cells are in other columns or rows, so no more numbers than needed are read. */
  #ring({ reach, isFlat, rings }: CellRule, from: Cell, index: number): number {
    const cells = this.#cells;
    const at = index * 3;
    const side = 2 * reach + 1;
    const column = (cells[at] as number) - from.column + reach;
    if (column < 0 || column >= side) return 0;
    const row = (cells[at + 1] as number) - from.row + reach;
    if (row < 0 || row >= side) return 0;
    if (isFlat) return rings[column * side + row] as number;
    const floor = (cells[at + 2] as number) - from.floor + reach;
    if (floor < 0 || floor >= side) return 0;
    return rings[(floor * side + column) * side + row] as number;
  }
}
