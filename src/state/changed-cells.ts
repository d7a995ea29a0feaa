import type { Cell, CellRule } from "./grid.ts";
import type { SeenEntry } from "./seen-entry.ts";

/** Takes an entry that was visible in the view before, or is in the view now, with its ring in each. */
export type VisitRings = (entry: SeenEntry, from: number, to: number) => void;

/**
 * Changed entries, each with a cell before and a cell now. Cells are compared with those of all viewers around, so their
 * numbers are in one array: reading them from entries takes several times as long. It keeps its memory when it is
 * emptied.
 */
export class ChangedCells {
  readonly #entries: SeenEntry[] = [];
  /** The column, row and floor of each before, and the same now. */
  readonly #cells: number[] = [];
  /** Whether one of them is in another cell than before. */
  #hasMoved = false;
  size = 0;

  add(entry: SeenEntry, before: Cell, now: Cell): void {
    const cells = this.#cells;
    const at = this.size * 6;
    cells[at] = before.column;
    cells[at + 1] = before.row;
    cells[at + 2] = before.floor;
    cells[at + 3] = now.column;
    cells[at + 4] = now.row;
    cells[at + 5] = now.floor;
    this.#entries[this.size++] = entry;
    if (before !== now) this.#hasMoved = true;
  }

  /**
   * Visits the entries that were visible from one cell before, or are visible from another now, with the ring of each.
   * 0: it is not visible.
   */
  eachVisible(rule: CellRule, from: Cell | undefined, to: Cell | undefined, visit: VisitRings): void {
    const isSame = from === to && !this.#hasMoved;
    for (let index = 0; index < this.size; index++) {
      const before = from ? this.#ring(rule, from, index * 6) : 0;
      const now = isSame ? before : to ? this.#ring(rule, to, index * 6 + 3) : 0;
      if (before > 0 || now > 0) visit(this.#entries[index] as SeenEntry, before, now);
    }
  }

  clear(): void {
    this.size = 0;
    this.#hasMoved = false;
  }

  /** As `ringOf` of the grid does. Most cells are in other columns or rows, so no more numbers than needed are read. */
  #ring({ reach, isFlat, rings }: CellRule, from: Cell, at: number): number {
    const cells = this.#cells;
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
