import { quantized } from "durable-rooms/netcode";

export const HZ = 30;
export const WIDTH = 1200;
export const HEIGHT = 800;
/** In pixels per second. */
export const SPEED = 320;
export const PLAYER_RADIUS = 26;
export const GEM_RADIUS = 12;
export const GEMS = 12;
/** The range of a shot, in pixels. */
export const RANGE = 900;
/** The minimum number of ticks between two shots. */
export const RELOAD = HZ / 2;
/** Positions are rounded to 1/50 pixel: in the room, on the wire, and in the prediction of the page. */
export const POSITION = quantized({ min: 0, max: WIDTH, bits: 16 });

export interface Position {
  readonly x: number;
  readonly y: number;
}
export interface Wall extends Position {
  readonly width: number;
  readonly height: number;
}
/** The input of a player for one tick. */
export interface Input {
  /** The direction to run, from -1 to 1. */
  readonly x: number;
  readonly y: number;
  /** The direction to shoot, of length 1. */
  readonly shot?: Position | undefined;
}

export const WALLS: readonly Wall[] = [
  { x: 260, y: 180, width: 40, height: 260 },
  { x: 560, y: 120, width: 300, height: 40 },
  { x: 900, y: 360, width: 40, height: 280 },
  { x: 380, y: 620, width: 280, height: 40 },
];

/**
 * Applies one input to its player in one tick, in the room and in the prediction of the page. It uses no sine and no power,
 * because their last digits differ between engines.
 */
export function step(
  me: Position,
  { x, y }: Input,
  { dt, state }: { readonly dt: number; readonly state: { readonly walls: Readonly<Record<string, Wall>> } },
): Partial<Position> {
  const length = Math.max(1, Math.sqrt(x * x + y * y));
  const way = (SPEED * dt) / length;
  const walls = Object.values(state.walls);
  const to = { x: clamp(me.x + x * way, WIDTH), y: clamp(me.y + y * way, HEIGHT) };
  // Slides along a wall.
  const side = walls.some((wall) => isIn(wall, { x: to.x, y: me.y })) ? me.x : to.x;
  return { x: side, y: walls.some((wall) => isIn(wall, { x: side, y: to.y })) ? me.y : to.y };
}

/** The distance until a wall stops a shot. */
export function reach(from: Position, way: Position, walls: readonly Wall[]): number {
  for (let far = 0; far < RANGE; far += 8) {
    const at = { x: from.x + way.x * far, y: from.y + way.y * far };
    if (walls.some((wall) => isIn(wall, at, 0))) return far;
  }
  return RANGE;
}

/** The distance at which a shot hits a player, or undefined if it misses. */
export function hits(from: Position, way: Position, target: Position): number | undefined {
  const [x, y] = [target.x - from.x, target.y - from.y];
  const along = x * way.x + y * way.y;
  const beside = x * x + y * y - along * along;
  return along > 0 && beside < PLAYER_RADIUS ** 2 ? along : undefined;
}

export function touches(a: Position, b: Position, distance: number): boolean {
  return (a.x - b.x) ** 2 + (a.y - b.y) ** 2 <= distance ** 2;
}

export function randomPosition(margin: number): Position {
  for (;;) {
    const at = {
      x: Math.round(margin + Math.random() * (WIDTH - 2 * margin)),
      y: Math.round(margin + Math.random() * (HEIGHT - 2 * margin)),
    };
    if (!WALLS.some((wall) => isIn(wall, at))) return at;
  }
}

function isIn({ x, y, width, height }: Wall, at: Position, margin = PLAYER_RADIUS): boolean {
  return at.x > x - margin && at.x < x + width + margin && at.y > y - margin && at.y < y + height + margin;
}

function clamp(value: number, size: number): number {
  return Math.min(Math.max(value, PLAYER_RADIUS), size - PLAYER_RADIUS);
}
