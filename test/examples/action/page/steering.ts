import { HEIGHT, PLAYER_RADIUS, touches, WIDTH } from "../src/arena";
import type { Position } from "../src/arena";

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

/**
 * Reads where the player wants to go: by keys, or to where they press.
 * @param self where they are
 */
export function readSteering(canvas: HTMLCanvasElement, self: () => Position | undefined): () => Position {
  const held = new Set<string>();
  let target: Position | undefined;
  const aim = (event: PointerEvent) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    target = { x: ((event.clientX - left) / width) * WIDTH, y: ((event.clientY - top) / height) * HEIGHT };
  };
  const release = () => (target = undefined);
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    aim(event);
  });
  canvas.addEventListener("pointermove", (event) => target && aim(event));
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("keydown", (event) => {
    if (!KEYS[event.code]) return;
    event.preventDefault();
    held.add(event.code);
  });
  addEventListener("keyup", ({ code }) => held.delete(code));
  addEventListener("blur", () => held.clear());
  return () => {
    const from = self();
    if (target && from) return towards(from, target);
    const sum = { x: 0, y: 0 };
    for (const code of held) {
      sum.x += KEYS[code]?.x ?? 0;
      sum.y += KEYS[code]?.y ?? 0;
    }
    return { x: Math.sign(sum.x), y: Math.sign(sum.y) };
  };
}

function towards(from: Position, to: Position): Position {
  if (touches(from, to, PLAYER_RADIUS)) return { x: 0, y: 0 };
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  return { x: (to.x - from.x) / length, y: (to.y - from.y) / length };
}
