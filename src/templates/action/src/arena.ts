import { quantized } from "durable-rooms/netcode";

export const HZ = 30;
export const WIDTH = 1200;
export const HEIGHT = 800;
/** Pixels a second. */
export const SPEED = 320;
export const PLAYER_RADIUS = 26;
export const GEM_RADIUS = 12;
export const GEMS = 12;
/** How far a shot goes. */
export const RANGE = 900;
/** Ticks from one shot to the next. */
export const RELOAD = HZ / 2;
/** Positions are rounded to a 50th of a pixel: in the room, on the wire, and where the page predicts. */
export const POSITION = quantized({ min: 0, max: WIDTH, bits: 16 });

export interface Position {
  readonly x: number;
  readonly y: number;
}
export interface Wall extends Position {
  readonly width: number;
  readonly height: number;
}
/** What a player wants in one tick. */
export interface Input {
  /** Where to run: from -1 to 1. */
  readonly x: number;
  readonly y: number;
  /** Where to shoot: a direction of length 1. */
  readonly shot?: Position | undefined;
}

export const WALLS: readonly Wall[] = [
  { x: 260, y: 180, width: 40, height: 260 },
  { x: 560, y: 120, width: 300, height: 40 },
  { x: 900, y: 360, width: 40, height: 280 },
  { x: 380, y: 620, width: 280, height: 40 },
];

/**
 * What one input does to its player in one tick: in the room, and on the page that predicts it. It has no sine and no power:
 * their last digits differ from engine to engine.
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
  // Along a wall they slide.
  const side = walls.some((wall) => isIn(wall, { x: to.x, y: me.y })) ? me.x : to.x;
  return { x: side, y: walls.some((wall) => isIn(wall, { x: side, y: to.y })) ? me.y : to.y };
}

/** How far a shot goes until a wall stops it. */
export function reach(from: Position, way: Position, walls: readonly Wall[]): number {
  for (let far = 0; far < RANGE; far += 8) {
    const at = { x: from.x + way.x * far, y: from.y + way.y * far };
    if (walls.some((wall) => isIn(wall, at, 0))) return far;
  }
  return RANGE;
}

/** How far away a shot hits somebody; undefined if it does not. */
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
