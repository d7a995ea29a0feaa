import { ringAt } from "./grid.ts";
import type { Cell, CellRule } from "./grid.ts";
import type { SeenEntry } from "./seen-entry.ts";

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

  /** Whether one of the cells is visible from another one. */
  isVisible(rule: CellRule, from: Cell): boolean {
    for (let index = 0; index < this.size; index++) if (this.#isVisible(rule, from, index)) return true;
    return false;
  }

  /** Visits the entries whose cell is visible from another one. */
  eachVisible(rule: CellRule, from: Cell, visit: (entry: SeenEntry) => void): void {
    for (let index = 0; index < this.size; index++)
      if (this.#isVisible(rule, from, index)) visit(this.#entries[index] as SeenEntry);
  }

  clear(): void {
    this.size = 0;
  }

  #isVisible(rule: CellRule, { column, row, floor }: Cell, index: number): boolean {
    const at = index * 3;
    const [columns, rows] = [(this.#cells[at] as number) - column, (this.#cells[at + 1] as number) - row];
    return ringAt(rule, columns, rows, (this.#cells[at + 2] as number) - floor) > 0;
  }
}
