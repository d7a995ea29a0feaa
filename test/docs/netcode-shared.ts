import { quantized } from "../../src/netcode/index.ts";
import type { StepContext } from "../../src/netcode/index.ts";

export const SPEED = 300;
/** The codec of the fields `x` and `y`. */
export const POSITION = quantized({ min: 0, max: 1200, bits: 16 });

export interface Move {
  readonly x: number;
  readonly y: number;
}
interface Body {
  readonly x: number;
  readonly y: number;
}
interface Seen {
  readonly walls: Readonly<Record<string, { readonly x: number; readonly y: number; readonly size: number }>>;
}

/** What one input does in one tick: in the room, and on the page that predicts it. */
export function step(me: Body, { x, y }: Move, { dt, state }: StepContext<Seen>): Partial<Body> {
  const length = Math.max(1, Math.sqrt(x * x + y * y));
  const to = { x: me.x + (x / length) * SPEED * dt, y: me.y + (y / length) * SPEED * dt };
  const isBlocked = Object.values(state.walls).some(
    (wall) => Math.abs(wall.x - to.x) < wall.size && Math.abs(wall.y - to.y) < wall.size,
  );
  return isBlocked ? {} : to;
}
