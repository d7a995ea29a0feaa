import { Crowd } from "./crowd.ts";
import type { KeyedVisibility, Viewer } from "./field.ts";
import { Interest } from "./interest.ts";
import { EVERYTHING } from "./key-rules.ts";
import type { Difference, Key, KeyRules, KeySet, ViewerKeys } from "./key-rules.ts";
import { compare } from "./key-sets.ts";
import { readTracked } from "./signals/adapter.ts";

/** One key, several, or none. */
export type Keys = Key | readonly Key[] | undefined;

/** What {@link byKey} takes. E: an entry of the collection. */
export interface ByKeyOptions<E> {
  /** The keys of an entry. `owner` is the publicId of the user whose entry it is in, if it is in one. */
  readonly of: (entry: E, owner: string | undefined) => Keys;
  /** The keys of a viewer; `EVERYTHING` for one who sees all entries. */
  readonly for: (viewer: Viewer) => Keys | typeof EVERYTHING;
  /** Whether users see their own entry in any case. Default true. */
  readonly own?: boolean;
}

/** What {@link near} takes. */
export interface NearOptions {
  /** The names of the fields that hold the position of an entry: signals of numbers. */
  readonly x: string;
  readonly y: string;
  /** All within this distance is seen, and nothing beyond 1.5 times as far. */
  readonly radius: number;
  /** Where a viewer looks from; undefined for nowhere. Default: the position of the viewer's own entry. */
  readonly from?: (viewer: Viewer) => { readonly x: number; readonly y: number } | undefined;
}

/**
 * Shows an entry of a collection to the viewers that share a key with it: teams, zones, floors, fog of war, spectators.
 * An entry that comes into sight is sent whole, one that leaves is deleted; nobody is told of any other, not even its
 * key. The functions may read signals, and run again only when one of those changes, for that entry or viewer alone.
 *
 * @param options `of` gives the keys of an entry, `for` those of a viewer
 * @example
 * import { byKey, collection, EVERYTHING, persist, signal, sync } from "durable-rooms";
 * class Trap {
 *   team = persist(signal("red"));
 *   damage = sync(signal(10));
 * }
 * const traps = collection(Trap, {
 *   visibleTo: byKey<Trap>({
 *     of: (trap) => trap.team(),
 *     for: ({ auth }) => (auth?.["role"] === "referee" ? EVERYTHING : String(auth?.["team"])),
 *   }),
 * });
 */
export function byKey<E extends object>({ of, for: keysFor, own = true }: ByKeyOptions<E>): KeyedVisibility {
  if (typeof of !== "function" || typeof keysFor !== "function")
    throw new Error("byKey() takes two functions: byKey({ of: (entry) => key, for: (viewer) => key })");
  const rules: KeyRules = {
    hasHistory: false,
    fields: undefined,
    seesOwn: own,
    ofEntry(entry, owner) {
      const { value, signals } = readTracked(() => listOf(of(entry as E, owner)));
      return { keys: value, signals };
    },
    forViewer(viewer) {
      const { value, signals } = readTracked(() => keysFor(viewer));
      return { keys: value === EVERYTHING ? EVERYTHING : new Set(listOf(value)), signals };
    },
  };
  return keyed(rules);
}

/**
 * Users see those of their own kind: the short form of {@link byKey} for a `users` field.
 *
 * @example
 * import { persist, sameKey, signal, users } from "durable-rooms";
 * class Player {
 *   team = persist(signal("red"));
 * }
 * const players = users(Player, { visibleTo: sameKey<Player>((player) => player.team()) });
 */
export function sameKey<E extends object>(of: (entry: E) => Keys): KeyedVisibility {
  return byKey<E>({ of: (entry) => of(entry), for: ({ user }) => (user === undefined ? undefined : of(user as E)) });
}

function keyed(rules: KeyRules): KeyedVisibility {
  return {
    rules,
    Interest,
    Crowd,
    condition: (entry, owner) => (viewer) => {
      if (!entry) return false;
      if (rules.seesOwn && owner === viewer.publicId) return true;
      const { keys } = rules.forViewer(viewer, undefined);
      return keys === EVERYTHING || rules.ofEntry(entry, owner, undefined).keys.some((key) => keys.has(key));
    },
  };
}

function listOf(keys: Keys): readonly Key[] {
  if (keys === undefined || keys === null) return [];
  const list: readonly unknown[] = Array.isArray(keys) ? keys : [keys];
  const wrong = list.find((key) => typeof key !== "string" && typeof key !== "number");
  if (wrong !== undefined) throw new Error(`A key of visibleTo is a text or a number, not ${typeof wrong}`);
  return [...new Set(list as readonly Key[])];
}

/**
 * Shares of the radius: the width of a cell, and how far something may be outside of its cell before it counts as in
 * another. The most that two can be apart that see each other is radius + 2√2 × margin + 2√2 × (cell + margin) = 1.48 radii.
 */
const CELL = 0.13;
const MARGIN = 0.02;
/** Cells are numbered in a square of this width around the origin; those outside of it are named. */
const NUMBERED = 32_768;
/** The most cells for which it is remembered what is seen from them. */
const MAX_VIEWS = 20_000;

/** The cells that are seen from one of them. */
class View extends Set<Key> implements KeySet {
  readonly at: Cell;
  readonly #grid: Grid;

  constructor(grid: Grid, at: Cell) {
    super(grid.seen.map((offset) => grid.keyAt(at, offset)));
    this.at = at;
    this.#grid = grid;
  }

  since(before: KeySet): Difference {
    const step = before instanceof View ? this.#grid.stepOf(before.at, this.at) : undefined;
    if (!step) return compare(before, this);
    const { at } = before as View;
    return {
      added: step.added.map((offset) => this.#grid.keyAt(this.at, offset)),
      removed: step.removed.map((offset) => this.#grid.keyAt(at, offset)),
    };
  }
}

/**
 * Shows an entry to the viewers who are near it. It is made of cells, as {@link byKey} of keys: an entry or a viewer
 * changes its cell only when it is well inside of the next one, so that nobody flickers at a border.
 *
 * @throws Error if `radius` is not a number above 0
 * @example
 * import { near, signal, sync, users } from "durable-rooms";
 * class Player {
 *   x = sync(signal(0));
 *   y = sync(signal(0));
 * }
 * const players = users(Player, { visibleTo: near({ x: "x", y: "y", radius: 100 }) });
 */
export function near({ x, y, radius, from }: NearOptions): KeyedVisibility {
  if (typeof x !== "string" || typeof y !== "string")
    throw new Error('near() takes names of fields: near({ x: "x", y: "y", radius: 100 })');
  if (!(radius > 0 && radius < Infinity)) throw new Error("near() takes a radius above 0");
  const grid = new Grid(radius);
  const fields = [x, y] as const;
  const rules: KeyRules = {
    hasHistory: true,
    fields: from ? undefined : fields,
    seesOwn: true,
    ofEntry(entry, _owner, before) {
      const [column, row] = signalsOf(entry, fields);
      const at = grid.cellOf(column(), row(), cellWith(before?.[0]));
      return { keys: at ? [keyOf(at)] : [], signals: before ? undefined : [column, row] };
    },
    forViewer(viewer, before) {
      const known = before instanceof View ? before : undefined;
      if (from) {
        const { value, signals } = readTracked(() => from(viewer));
        return { keys: grid.viewFrom(value?.x, value?.y, known), signals };
      }
      if (viewer.user === undefined || viewer.user === null) return { keys: new Set(), signals: [] };
      const [column, row] = signalsOf(viewer.user, fields);
      return { keys: grid.viewFrom(column(), row(), known), signals: known ? undefined : [column, row] };
    },
  };
  return keyed(rules);
}

type Position = readonly [x: () => number, y: () => number];

function signalsOf(entry: object, [x, y]: readonly [string, string]): Position {
  const { [x]: column, [y]: row } = entry as Readonly<Record<string, unknown>>;
  if (typeof column === "function" && typeof row === "function") return [column, row] as unknown as Position;
  throw new Error(`near() needs signals in "${x}" and "${y}" of each entry, and of who looks from it`);
}

type Cell = readonly [column: number, row: number];

/** What a viewer that goes to another cell sees more, from there, and less, from where it was. */
interface Step {
  readonly added: readonly Cell[];
  readonly removed: readonly Cell[];
}

/** The plane in square cells. */
class Grid {
  /** From the cell of a viewer, the cells that are seen. */
  readonly seen: readonly Cell[];
  readonly #width: number;
  readonly #margin: number;
  readonly #views = new Map<Key, View>();
  /** For each of the eight cells around. */
  readonly #steps = new Map<number, Step>();

  constructor(radius: number) {
    this.#width = radius * CELL;
    this.#margin = radius * MARGIN;
    this.seen = cellsWithin(this.#width, radius + 2 * Math.SQRT2 * this.#margin);
  }

  /** The cell of a position. @param before the cell that it was in */
  cellOf(x: number, y: number, before: Cell | undefined): Cell | undefined {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return undefined;
    if (before && this.#isIn(x, before[0]) && this.#isIn(y, before[1])) return before;
    return [Math.floor(x / this.#width), Math.floor(y / this.#width)];
  }

  viewFrom(x: number | undefined, y: number | undefined, before: View | undefined): ViewerKeys {
    const at = x === undefined || y === undefined ? undefined : this.cellOf(x, y, before?.at);
    if (!at) return new Set();
    if (before && at === before.at) return before;
    const key = keyOf(at);
    let view = this.#views.get(key);
    if (!view) {
      if (this.#views.size >= MAX_VIEWS) this.#views.clear();
      this.#views.set(key, (view = new View(this, at)));
    }
    return view;
  }

  keyAt([column, row]: Cell, offset: Cell): Key {
    return keyOf([column + offset[0], row + offset[1]]);
  }

  stepOf(from: Cell, to: Cell): Step | undefined {
    const [right, down] = [to[0] - from[0], to[1] - from[1]];
    if (Math.abs(right) > 1 || Math.abs(down) > 1) return undefined;
    const name = right * 3 + down;
    let step = this.#steps.get(name);
    if (!step) {
      const keys = new Set(this.seen.map(keyOf));
      const isSeen = (column: number, row: number) => keys.has(keyOf([column, row]));
      step = {
        added: this.seen.filter(([column, row]) => !isSeen(column + right, row + down)),
        removed: this.seen.filter(([column, row]) => !isSeen(column - right, row - down)),
      };
      this.#steps.set(name, step);
    }
    return step;
  }

  #isIn(position: number, cell: number): boolean {
    const start = cell * this.#width;
    return position >= start - this.#margin && position <= start + this.#width + this.#margin;
  }
}

function keyOf([column, row]: Cell): Key {
  const [a, b] = [column + NUMBERED / 2, row + NUMBERED / 2];
  if (a >= 0 && a < NUMBERED && b >= 0 && b < NUMBERED) return a * NUMBERED + b;
  return `${column},${row}`;
}

/** The cell that has a key. */
function cellWith(key: Key | undefined): Cell | undefined {
  if (key === undefined) return undefined;
  if (typeof key === "string") return key.split(",").map(Number) as unknown as Cell;
  return [Math.floor(key / NUMBERED) - NUMBERED / 2, (key % NUMBERED) - NUMBERED / 2];
}

/** All cells that have a point within a distance of some point of the cell 0, 0. */
function cellsWithin(width: number, distance: number): Cell[] {
  const most = Math.ceil(distance / width) + 1;
  const range = Array.from({ length: 2 * most + 1 }, (_, index) => index - most);
  const gap = (offset: number) => Math.max(0, Math.abs(offset) - 1) * width;
  return range.flatMap((column) =>
    range.filter((row) => Math.hypot(gap(column), gap(row)) <= distance).map((row): Cell => [column, row]),
  );
}
