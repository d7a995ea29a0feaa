import { HEIGHT, PLAYER_RADIUS, WIDTH } from "../src/arena";
import type { Input, Position } from "../src/arena";

const KEYS: Readonly<Record<string, Position>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
  KeyA: { x: -1, y: 0 },
  KeyD: { x: 1, y: 0 },
  KeyW: { x: 0, y: -1 },
  KeyS: { x: 0, y: 1 },
};

/** A finger that is lifted sooner, in ms, was a tap. */
const TAP = 200;

/**
 * Reads what the player wants: to run, by keys or to where a finger is held, and to shoot, where they click or tap, or
 * with the space bar where the pointer is.
 * @param self where they are
 * @returns gives it; what was pressed once counts until it is sent
 */
export function readSteering(canvas: HTMLCanvasElement, self: () => Position | undefined): (isSent: boolean) => Input {
  const held = new Set<string>();
  let pointer: Position = { x: WIDTH / 2, y: HEIGHT / 2 };
  let isShooting = false;
  let finger: { readonly since: number } | undefined;
  const aim = (event: PointerEvent) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    pointer = { x: ((event.clientX - left) / width) * WIDTH, y: ((event.clientY - top) / height) * HEIGHT };
  };
  canvas.addEventListener("pointermove", aim);
  canvas.addEventListener("pointerdown", (event) => {
    aim(event);
    if (event.pointerType === "touch") finger = { since: event.timeStamp };
    else isShooting = true;
  });
  canvas.addEventListener("pointerup", ({ timeStamp }) => {
    if (finger && timeStamp - finger.since < TAP) isShooting = true;
    finger = undefined;
  });
  canvas.addEventListener("pointercancel", () => (finger = undefined));
  canvas.addEventListener("keydown", (event) => {
    if (event.code === "Space") isShooting = true;
    else if (KEYS[event.code]) held.add(event.code);
    else return;
    event.preventDefault();
  });
  addEventListener("keyup", ({ code }) => held.delete(code));
  addEventListener("blur", () => held.clear());
  return (isSent) => {
    const sum = { x: 0, y: 0 };
    for (const code of held) {
      sum.x += KEYS[code]?.x ?? 0;
      sum.y += KEYS[code]?.y ?? 0;
    }
    const from = self();
    if (finger && from) Object.assign(sum, directionOf(from, pointer));
    const run = { x: Math.sign(sum.x), y: Math.sign(sum.y) };
    if (!isShooting || !from) return run;
    if (isSent) isShooting = false;
    const length = Math.max(Math.hypot(pointer.x - from.x, pointer.y - from.y), 1);
    return { ...run, shot: { x: (pointer.x - from.x) / length, y: (pointer.y - from.y) / length } };
  };
}

/** One of eight directions; none where the finger is on the player. */
function directionOf(from: Position, to: Position): Position {
  const [x, y] = [to.x - from.x, to.y - from.y];
  if (Math.hypot(x, y) < PLAYER_RADIUS) return { x: 0, y: 0 };
  return { x: Math.abs(x) > Math.abs(y) / 2 ? x : 0, y: Math.abs(y) > Math.abs(x) / 2 ? y : 0 };
}
