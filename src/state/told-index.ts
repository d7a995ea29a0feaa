import { CellViews } from "./cell-index.ts";
import type { CellView } from "./cell-index.ts";
import type { Cell } from "./grid.ts";
import { KeyIndex } from "./key-index.ts";
import { EVERYTHING } from "./key-rules.ts";
import type { Key, Reading, SightIndex, SightRule } from "./key-rules.ts";
import type { Viewer } from "./viewer.ts";

/** An entry for an index, with the place that the room sent. */
export interface ToldPlace {
  readonly place: unknown;
}
/** A viewer for an index, with the view that the room sent. */
export interface ToldViewer extends Viewer {
  readonly from: unknown;
}

/** Makes an index of entries and viewers whose places the room sends. */
export function toldIndex(rule: SightRule, looksFromOwn: boolean): SightIndex {
  if (rule !== "keys") return new ToldCells(rule, looksFromOwn);
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

  constructor(rule: Exclude<SightRule, "keys">, looksFromOwn: boolean) {
    super(rule);
    this.viewFrom = looksFromOwn ? (place) => this.viewAt(place) : undefined;
  }

  placeOf(entry: object): Reading<Cell | undefined> {
    return { value: cellOf((entry as ToldPlace).place), signals: undefined };
  }

  viewOf(viewer: Viewer): Reading<CellView> {
    return { value: this.viewAt(cellOf((viewer as ToldViewer).from)), signals: undefined };
  }
}

function cellOf(place: unknown): Cell | undefined {
  if (!place) return undefined;
  const [column, row, floor = 0] = place as readonly [number, number, number?];
  return { column, row, floor };
}
