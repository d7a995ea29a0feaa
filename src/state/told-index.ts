import { CellViews } from "./cell-index.ts";
import type { CellView } from "./cell-index.ts";
import type { Cell } from "./grid.ts";
import { KeyIndex } from "./key-index.ts";
import { EVERYTHING } from "./key-rules.ts";
import type { Key, Reading, SightIndex, SightRule } from "./key-rules.ts";
import type { Position } from "./seen-entry.ts";
import type { Viewer } from "./viewer.ts";

/** An entry for an index, with the place that the room sent. */
export interface ToldPlace {
  readonly place: unknown;
}
/** A viewer for an index, with the view that the room sent. */
export interface ToldViewer extends Viewer {
  readonly from: unknown;
}

/** Makes an index of entries and viewers whose places the room sends. @param hasPositions whether it sends positions too */
export function toldIndex(rule: SightRule, looksFromOwn: boolean, hasPositions: boolean): SightIndex {
  if (rule !== "keys") return new ToldCells(rule, looksFromOwn, hasPositions);
  return new KeyIndex(
    (entry) => (entry as ToldPlace).place as readonly Key[],
    (viewer) => keysOf((viewer as ToldViewer).from),
  );
}

function keysOf(from: unknown): readonly Key[] | typeof EVERYTHING {
  return from === true ? EVERYTHING : ((from as readonly Key[] | null) ?? []);
}

class ToldCells extends CellViews implements SightIndex<Cell, CellView> {
  readonly viewFrom: ((place: Cell | undefined) => CellView) | undefined;
  readonly #hasPositions: boolean;

  constructor(rule: Exclude<SightRule, "keys">, looksFromOwn: boolean, hasPositions: boolean) {
    super(rule);
    this.viewFrom = looksFromOwn ? (place) => this.viewAt(place) : undefined;
    this.#hasPositions = hasPositions;
  }

  placeOf(entry: object): Reading<Cell | undefined> {
    return this.#read((entry as ToldPlace).place);
  }

  viewOf(viewer: Viewer): Reading<CellView> {
    const { value, ...rest } = this.#read((viewer as ToldViewer).from);
    return { value: this.viewAt(value), ...rest };
  }

  #read(told: unknown): Reading<Cell | undefined> {
    const [cell, at] = this.#hasPositions ? ((told ?? []) as [unknown?, Position?]) : [told];
    return { value: cellOf(cell), signals: undefined, at: at ?? undefined };
  }
}

function cellOf(place: unknown): Cell | undefined {
  if (!place) return undefined;
  const [column, row, floor = 0] = place as readonly [number, number, number?];
  return { column, row, floor };
}
