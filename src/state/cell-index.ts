import { atOnce } from "./audience.ts";
import { ChangedCells } from "./changed-cells.ts";
import type { VisitRings } from "./changed-cells.ts";
import { ringOf } from "./grid.ts";
import type { Cell, CellRule, Grid } from "./grid.ts";
import type { Reading, SightIndex } from "./key-rules.ts";
import type { Position, SeenEntry } from "./seen-entry.ts";
import { readTracked } from "./signals/adapter.ts";
import { View } from "./view.ts";
import type { Viewer } from "./viewer.ts";

/** Returns the position of a viewer, if that is not the position of the viewer's own entry. */
export type LookFrom = (viewer: Viewer) => { readonly x: number; readonly y: number; readonly z?: number } | undefined;

/** The view from one cell, or from nowhere. */
export class CellView extends View {
  readonly cell: Cell | undefined;

  constructor(cell: Cell | undefined) {
    super();
    this.cell = cell;
  }
}

/**
 * A square of cells, as wide as the visible distance. Everything that is visible from one of its cells is in this block
 * or an adjacent one.
 */
interface Block {
  readonly views: CellView[];
  readonly entries: Set<SeenEntry>;
  /** The entries of the current delivery that were in this block before, and are in it now. */
  readonly stayed: ChangedCells;
  /** Those that were in this block before, and are in another one now or nowhere, with their cell before. */
  readonly left: ChangedCells;
  /** Those that are in this block now, and were in another one before or nowhere, with their cell now. */
  readonly arrived: ChangedCells;
  /** The other entries in this block, as of the delivery with this number. */
  readonly unchanged: ChangedCells;
  unchangedIn: number;
  /** This block and the adjacent ones. */
  around: readonly Block[] | undefined;
}

const NOWHERE: readonly Block[] = [];
const HERE = [0];
const AROUND = [-1, 0, 1];

/** Entries and views, by their cells. */
export class CellViews {
  readonly rule: CellRule;
  readonly nowhere = undefined;
  readonly nobody = new CellView(undefined);
  readonly #blocks = new Map<number, Block>();
  /** The blocks with changed entries, and one of their cells. */
  #changed = new Map<Block, Cell>();
  /** The number of the current delivery. */
  #delivery = 0;

  constructor(rule: CellRule) {
    this.rule = rule;
  }

  plain(cell: Cell | undefined): readonly number[] | null {
    if (!cell) return null;
    return this.rule.isFlat ? [cell.column, cell.row] : [cell.column, cell.row, cell.floor];
  }

  plainView({ cell }: CellView): readonly number[] | null {
    return this.plain(cell);
  }

  /** There is one view for each cell. */
  viewAt(cell: Cell | undefined): CellView {
    if (!cell) return this.nobody;
    const { views } = this.#blockOf(cell);
    const known = views.find(({ cell: other }) => other && this.#isSame(other, cell));
    if (known) return known;
    const view = new CellView(cell);
    views.push(view);
    return view;
  }

  #isSame(one: Cell, other: Cell): boolean {
    return one.column === other.column && one.row === other.row && one.floor === other.floor;
  }

  drop(view: CellView): void {
    if (!view.cell) return;
    const { views } = this.#blockOf(view.cell);
    const index = views.indexOf(view);
    if (index < 0) return;
    views.splice(index, 1);
    this.#tidy(view.cell);
  }

  describePlace(place: Cell | undefined): string {
    if (!place) return "nowhere";
    const { column, row, floor } = place;
    return `cell ${(this.rule.isFlat ? [column, row] : [column, row, floor]).join(" ")}`;
  }

  describeView({ cell }: CellView): string {
    return this.describePlace(cell);
  }

  ring({ cell }: CellView, place: Cell | undefined): number {
    return cell && place ? ringOf(this.rule, cell, place) : 0;
  }

  moved(entry: SeenEntry, from: Cell | undefined): void {
    const to = entry.place as Cell | undefined;
    if (from && to && this.#isSameBlock(from, to)) return;
    if (from && this.#blockOf(from).entries.delete(entry)) this.#tidy(from);
    if (to) this.#blockOf(to).entries.add(entry);
  }

  eachView(entry: SeenEntry, visit: (view: View) => void): void {
    const [before, place] = [entry.before as Cell | undefined, entry.place as Cell | undefined];
    const { rule } = this;
    if (before) {
      for (const { views } of this.#around(before))
        for (const view of views) if (ringOf(rule, view.cell as Cell, before) > 0) visit(view);
    }
    if (!place || place === before) return;
    for (const { views } of this.#around(place)) {
      for (const view of views) {
        const cell = view.cell as Cell;
        if (ringOf(rule, cell, place) > 0 && !(before && ringOf(rule, cell, before) > 0)) visit(view);
      }
    }
  }

  begin(changed: readonly SeenEntry[], delivery: number): readonly View[] {
    this.end();
    this.#delivery = delivery;
    for (const entry of changed) {
      const before = entry.before as Cell | undefined;
      const place = entry.place as Cell | undefined;
      if (place && before && this.#isSameBlock(before, place)) this.#changedIn(place).stayed.add(entry, before, place);
      else {
        if (before) this.#changedIn(before).left.add(entry, before, before);
        if (place) this.#changedIn(place).arrived.add(entry, place, place);
      }
    }
    const around = new Set<Block>();
    for (const cell of this.#changed.values()) for (const block of this.#around(cell)) around.add(block);
    const views: View[] = [];
    for (const block of around) for (const view of block.views) views.push(view);
    return views;
  }

  #changedIn(cell: Cell): Block {
    const block = this.#blockOf(cell);
    this.#changed.set(block, cell);
    return block;
  }

  eachChanged(before: CellView, now: CellView, visit: VisitRings): void {
    const { rule } = this;
    const leave: VisitRings = (entry, from) => visit(entry, from, this.ring(now, entry.place as Cell | undefined));
    const arrive: VisitRings = (entry, _, to) => {
      // One that was visible before has left another block.
      if (this.ring(before, entry.before as Cell | undefined) === 0) visit(entry, 0, to);
    };
    for (const { stayed, left, arrived } of this.#aroundBoth(before, now)) {
      stayed.eachVisible(rule, before.cell, now.cell, visit);
      left.eachVisible(rule, before.cell, undefined, leave);
      arrived.eachVisible(rule, undefined, now.cell, arrive);
    }
  }

  eachUnchanged(before: CellView, now: CellView, visit: VisitRings): void {
    for (const block of this.#aroundBoth(before, now)) {
      if (block.unchangedIn !== this.#delivery) this.#findUnchanged(block);
      block.unchanged.eachVisible(this.rule, before.cell, now.cell, visit);
    }
  }

  #findUnchanged(block: Block): void {
    block.unchangedIn = this.#delivery;
    block.unchanged.clear();
    for (const entry of block.entries)
      if (entry.touchedIn !== this.#delivery) block.unchanged.add(entry, entry.place as Cell, entry.place as Cell);
  }

  end(): void {
    const changed = this.#changed;
    this.#changed = new Map();
    for (const [{ stayed, left, arrived }, cell] of changed) {
      stayed.clear();
      left.clear();
      arrived.clear();
      this.#tidy(cell);
    }
  }

  eachEntry(one: CellView, other: CellView, visit: (entry: SeenEntry) => void): void {
    for (const { entries } of this.#aroundBoth(one, other)) entries.forEach(visit);
  }

  *viewsWith(): Iterable<View> {}

  #blockOf(cell: Cell): Block {
    const name = this.#nameOf(cell);
    let block = this.#blocks.get(name);
    if (!block) {
      block = {
        views: [],
        entries: new Set(),
        stayed: new ChangedCells(),
        left: new ChangedCells(),
        arrived: new ChangedCells(),
        unchanged: new ChangedCells(),
        unchangedIn: 0,
        around: undefined,
      };
      this.#blocks.set(name, block);
      this.#neighboursChanged(cell);
    }
    return block;
  }

  #tidy(cell: Cell): void {
    const { views, entries, stayed, left, arrived } = this.#blockOf(cell);
    if (views.length + entries.size + stayed.size + left.size + arrived.size > 0) return;
    this.#blocks.delete(this.#nameOf(cell));
    this.#neighboursChanged(cell);
  }

  #isSameBlock(one: Cell, other: Cell): boolean {
    return one === other || this.#nameOf(one) === this.#nameOf(other);
  }

  /**
   * Two distant blocks may have the same name, and are then one block. Visibility is decided by cells, not by blocks.
   */
  #nameOf({ column, row, floor }: Cell, right = 0, down = 0, up = 0): number {
    const { reach } = this.rule;
    const [x, y, z] = [
      Math.floor(column / reach) + right,
      Math.floor(row / reach) + down,
      Math.floor(floor / reach) + up,
    ];
    return ((x & 0x3ff) << 20) | ((y & 0x3ff) << 10) | (z & 0x3ff);
  }

  /** The block of a cell, and the adjacent ones. None without a cell. */
  #around(cell: Cell | undefined): readonly Block[] {
    if (!cell) return NOWHERE;
    const block = this.#blocks.get(this.#nameOf(cell));
    return block ? (block.around ??= this.#neighboursOf(cell)) : this.#neighboursOf(cell);
  }

  /** The blocks around one cell or the other, each once. */
  #aroundBoth({ cell: one }: CellView, { cell: other }: CellView): readonly Block[] {
    const blocks = this.#around(one);
    const others = this.#around(other);
    return others === blocks ? blocks : [...new Set([...blocks, ...others])];
  }

  #neighboursOf(cell: Cell): readonly Block[] {
    const floors = this.rule.isFlat ? HERE : AROUND;
    const names = AROUND.flatMap((right) =>
      AROUND.flatMap((down) => floors.map((up) => this.#nameOf(cell, right, down, up))),
    );
    return names.flatMap((name) => this.#blocks.get(name) ?? []);
  }

  #neighboursChanged(cell: Cell): void {
    for (const block of this.#neighboursOf(cell)) block.around = undefined;
  }
}

/** Finds entries and viewers by their positions on a map. */
export class CellIndex extends CellViews implements SightIndex<Cell, CellView> {
  readonly #grid: Grid;
  readonly #fields: readonly string[];
  readonly #from: LookFrom | undefined;
  readonly viewFrom: ((place: Cell | undefined) => CellView) | undefined;

  /** @param fields the names of the position's fields */
  constructor(grid: Grid, fields: readonly string[], from: LookFrom | undefined) {
    super(grid);
    this.#grid = grid;
    this.#fields = fields;
    this.#from = from;
    this.viewFrom = from ? undefined : (place) => this.viewAt(place);
  }

  placeOf(entry: object, _owner: string | undefined, before: Cell | undefined): Reading<Cell | undefined> {
    const at = this.#fields.map((name) => signalOf(entry, name, this.#fields)());
    const cell = this.#grid.cellOf(at, before);
    const signals = before ? undefined : this.#signalsOf(entry);
    return { value: cell, signals, isHeld: this.#isHeld(at, cell), at };
  }

  viewOf(viewer: Viewer, before: CellView | undefined): Reading<CellView> {
    if (!this.#from && !viewer.user) return { value: this.nobody, signals: [] };
    const { value: at, signals } = readTracked(() => this.#positionOf(viewer));
    const cell = at && this.#grid.cellOf(at, before?.cell);
    return { value: this.viewAt(cell), signals, isHeld: at && this.#isHeld(at, cell), at };
  }

  #positionOf(viewer: Viewer): Position | undefined {
    if (!this.#from) return this.#signalsOf(viewer.user as object).map((read) => read());
    const from = atOnce(this.#from(viewer), "a position");
    return from && (this.#grid.isFlat ? [from.x, from.y] : [from.x, from.y, from.z ?? NaN]);
  }

  #signalsOf(entry: object): (() => number)[] {
    return this.#fields.map((name) => signalOf(entry, name, this.#fields));
  }

  #isHeld(at: Position, cell: Cell | undefined): boolean {
    return cell !== undefined && !this.#grid.isInside(at, cell);
  }
}

/** The signal of a coordinate. @throws Error if an entry has none */
function signalOf(entry: object, name: string, fields: readonly string[]): () => number {
  const signal = (entry as Readonly<Record<string, unknown>>)[name];
  if (typeof signal === "function") return signal as () => number;
  const names = fields.map((field) => JSON.stringify(field)).join(", ");
  throw new Error(`near() needs signals in ${names} of each entry, and of each viewer's own entry`);
}
