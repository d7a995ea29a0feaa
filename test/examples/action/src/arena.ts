export const HZ = 20;
export const WIDTH = 1200;
export const HEIGHT = 800;
/** Pixels a second. */
export const SPEED = 320;
export const PLAYER_RADIUS = 26;
export const GEM_RADIUS = 12;
export const GEMS = 12;

export interface Position {
  readonly x: number;
  readonly y: number;
}

/** Where a player is after a while, who walks in a direction of length 1 at most. */
export function walk(from: Position, direction: Position, ms: number): Position {
  const length = Math.max(1, Math.hypot(direction.x, direction.y));
  const step = (SPEED * ms) / 1000 / length;
  return {
    x: clamp(from.x + direction.x * step, PLAYER_RADIUS, WIDTH - PLAYER_RADIUS),
    y: clamp(from.y + direction.y * step, PLAYER_RADIUS, HEIGHT - PLAYER_RADIUS),
  };
}

export function touches(a: Position, b: Position, distance: number): boolean {
  return (a.x - b.x) ** 2 + (a.y - b.y) ** 2 <= distance ** 2;
}

export function randomPosition(margin: number): Position {
  return {
    x: Math.round(margin + Math.random() * (WIDTH - 2 * margin)),
    y: Math.round(margin + Math.random() * (HEIGHT - 2 * margin)),
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
