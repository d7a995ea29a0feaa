import { CellIndex } from "./cell-index.ts";
import type { KeyedVisibility } from "./field.ts";
import { Grid } from "./grid.ts";
import { keyed } from "./keyed.ts";
import type { Viewer } from "./viewer.ts";

/** A ring of {@link near}: a distance, and how often changes of entries within it are sent. */
export interface NearRing {
  /** The outer distance of the ring, above 0. */
  readonly radius: number;
  /** The maximum number of patches a second for entries in this ring. Default: no limit. */
  readonly hz?: number;
}

/** The options of {@link near}. Give either `radius` or `rings`. */
export interface NearOptions {
  /** The name of the field with the x coordinate: a signal of a number. */
  readonly x: string;
  /** The name of the field with the y coordinate. */
  readonly y: string;
  /** The name of the field with the z coordinate. Default: two dimensions. */
  readonly z?: string;
  /**
   * Entries within this distance are visible. Entries farther away than 1.5 times the distance are not, and neither are
   * entries without a position: one that is not a number, or that is farther from 0 than 10^12 times the distance.
   */
  readonly radius?: number;
  /**
   * Up to 8 rings, smallest radius first. Entries within the last ring are visible. Changes of entries outside of the
   * first ring are sent as often as `hz` of their ring allows; the latest value is always sent. An entry that becomes
   * visible or invisible is sent at once, and so are changes of the user's own entry.
   */
  readonly rings?: readonly NearRing[];
  /** The maximum number of visible entries besides the viewer's own: the nearest ones. Default: no limit. */
  readonly nearest?: number;
  /**
   * Returns the position of a viewer, or undefined if the viewer sees no entries. Default: the position of the viewer's
   * own entry.
   */
  readonly from?: (viewer: Viewer) => { readonly x: number; readonly y: number; readonly z?: number } | undefined;
}

/**
 * Shows an entry to the viewers that are near it. Use it for large rooms, as the option `visibleTo` of {@link users} or
 * {@link collection}. Positions are grouped into grid cells. An entry or a viewer changes its cell only when it is well
 * inside of the next one, so that entries do not flicker at a border.
 *
 * @throws Error if there is neither a `radius` nor `rings`, or both, or a number is out of range
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
    throw new Error('near() takes the names of fields: near({ x: "x", y: "y", radius: 100 })');
  if (nearest !== undefined && !(Number.isInteger(nearest) && nearest > 0))
    throw new Error("near() takes a whole number above 0 as nearest");
  const rings = ringsOf(options);
  const grid = new Grid(
    rings.map(({ radius }) => radius),
    z === undefined,
  );
  const isLate = rings.some(({ hz }) => hz !== undefined);
  const rules = {
    fields,
    seesOwn: true,
    rings: isLate ? rings.map(({ hz }) => ({ period: hz === undefined ? 0 : 1000 / hz })) : undefined,
    nearest,
    createIndex: () => new CellIndex(grid, fields, from),
  };
  return keyed(rules, options);
}

function ringsOf({ radius, rings }: NearOptions): readonly NearRing[] {
  if ((radius === undefined) === (rings === undefined))
    throw new Error("near() takes a radius or rings: near({ x, y, rings: [{ radius: 100 }, { radius: 300, hz: 4 }] })");
  const list = rings ?? [{ radius: radius as number }];
  if (list.length === 0 || !list.every(({ radius: one }) => isBetween(one, SMALLEST, 1 / SMALLEST)))
    throw new Error("near() takes a radius above 0, from 1e-100 to 1e100");
  if (!list.every((ring, index) => index === 0 || ring.radius > (list[index - 1] as NearRing).radius))
    throw new Error("near() takes rings with the smallest radius first");
  if (!list.every(({ hz }) => hz === undefined || isBetween(hz, 0, Infinity)))
    throw new Error("near() takes a number above 0 as hz of a ring");
  if (list.length > MAX_RINGS) throw new Error(`near() takes at most ${MAX_RINGS} rings`);
  return list;
}

/** Whether something is a number between two others. */
function isBetween(value: unknown, low: number, high: number): boolean {
  return typeof value === "number" && value > low && value < high;
}

const MAX_RINGS = 8;
/** Numbers have to be able to hold multiples and fractions of a radius. */
const SMALLEST = 1e-100;
