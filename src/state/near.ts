import { CellIndex } from "./cell-index.ts";
import type { KeyedVisibility } from "./field.ts";
import { Grid } from "./grid.ts";
import { keyed } from "./keyed.ts";
import type { Viewer } from "./viewer.ts";

/** A distance, and how often changes of entries within it are sent. */
export interface NearRing {
  readonly radius: number;
  /** How many times a second at most. Default: each change is sent. */
  readonly hz?: number;
}

/** What {@link near} takes: `radius` or `rings`, one of the two. */
export interface NearOptions {
  /** The names of the fields that hold the position of an entry: signals of numbers. */
  readonly x: string;
  readonly y: string;
  /** The third one, in space. */
  readonly z?: string;
  /** All within this distance is seen, and nothing beyond 1.5 times as far. */
  readonly radius?: number;
  /**
   * Several distances, the smallest first. All within the last is seen, and changes of what is beyond the first are sent
   * as often as its ring says. The last value always arrives, and so does at once whatever comes into sight or leaves it.
   */
  readonly rings?: readonly NearRing[];
  /** The most entries that a viewer is shown beside its own: the nearest of those in sight. */
  readonly nearest?: number;
  /** Where a viewer looks from; undefined for nowhere. Default: the position of the viewer's own entry. */
  readonly from?: (viewer: Viewer) => { readonly x: number; readonly y: number; readonly z?: number } | undefined;
}

/**
 * Shows an entry to the viewers who are near it. It is made of cells, as {@link byKey} of keys: an entry or a viewer
 * changes its cell only when it is well inside of the next one, so that nobody flickers at a border.
 *
 * @throws Error if there is no `radius` above 0 and no `rings`, or both
 * @example
 * import { near, signal, sync, users } from "durable-rooms";
 * class Player {
 *   x = sync(signal(0));
 *   y = sync(signal(0));
 * }
 * const players = users(Player, { visibleTo: near({ x: "x", y: "y", radius: 100 }) });
 */
export function near(options: NearOptions): KeyedVisibility {
  const { x, y, z, nearest, from } = options;
  const fields = z === undefined ? [x, y] : [x, y, z];
  if (!fields.every((name) => typeof name === "string"))
    throw new Error('near() takes names of fields: near({ x: "x", y: "y", radius: 100 })');
  if (nearest !== undefined && !(Number.isInteger(nearest) && nearest > 0))
    throw new Error("near() takes a whole number above 0 as nearest");
  const rings = ringsOf(options);
  const grid = new Grid(
    rings.map(({ radius }) => radius),
    z === undefined,
  );
  const isLate = rings.some(({ hz }) => hz !== undefined);
  return keyed({
    fields,
    seesOwn: true,
    rings: isLate ? rings.map(({ hz }) => ({ period: hz === undefined ? 0 : 1000 / hz })) : undefined,
    nearest,
    createIndex: () => new CellIndex(grid, fields, from),
  });
}

function ringsOf({ radius, rings }: NearOptions): readonly NearRing[] {
  if ((radius === undefined) === (rings === undefined))
    throw new Error("near() takes a radius or rings: near({ x, y, rings: [{ radius: 100 }, { radius: 300, hz: 4 }] })");
  const list = rings ?? [{ radius: radius as number }];
  if (list.length === 0 || !list.every((ring) => ring.radius > 0 && ring.radius < Infinity))
    throw new Error("near() takes a radius above 0");
  if (!list.every((ring, index) => index === 0 || ring.radius > (list[index - 1] as NearRing).radius))
    throw new Error("near() takes rings with the smallest radius first");
  if (!list.every(({ hz }) => hz === undefined || (hz > 0 && hz < Infinity)))
    throw new Error("near() takes a number above 0 as hz of a ring");
  if (list.length > MAX_RINGS) throw new Error(`near() takes at most ${MAX_RINGS} rings`);
  return list;
}

const MAX_RINGS = 8;
