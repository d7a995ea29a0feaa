import type { ClientState } from "durable-rooms/client";
import { GEM_RADIUS, HEIGHT, PLAYER_RADIUS, WALLS, WIDTH } from "../src/arena";
import type { Position } from "../src/arena";
import type { arenaRoom } from "../src/arena-room";

const GRID = 100;

export interface Shot {
  readonly from: Position;
  readonly to: Position;
  /** When the shot became visible, in ms. */
  readonly at: number;
}

/** Everything that moves. */
interface Scene {
  readonly players: ReadonlyMap<string, Position>;
  readonly shots: readonly Shot[];
  readonly now: number;
  readonly self: string | undefined;
  /** The own player's position in the room. */
  readonly ghost: Position | undefined;
}

/** Draws one frame. */
export function draw(canvas: HTMLCanvasElement, state: ClientState<typeof arenaRoom>, scene: Scene): void {
  const { players, shots, now, self, ghost } = scene;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const scale = (canvas.clientWidth / WIDTH) * devicePixelRatio;
  const [width, height] = [Math.round(WIDTH * scale), Math.round(HEIGHT * scale)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const style = getComputedStyle(canvas);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, WIDTH, HEIGHT);
  drawGrid(context, style.getPropertyValue("--line"));
  for (const { x, y } of Object.values(state.gems ?? {})) drawGem(context, x, y, style.getPropertyValue("--gem"));
  context.fillStyle = style.getPropertyValue("--wall");
  for (const { x, y, width, height } of WALLS) context.fillRect(x, y, width, height);
  context.lineWidth = 3;
  for (const { from, to, at } of shots) {
    context.strokeStyle = `rgb(226 88 34 / ${1 - (now - at) / 300})`;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }
  if (ghost) {
    context.strokeStyle = style.color;
    context.setLineDash([6, 6]);
    context.beginPath();
    context.arc(ghost.x, ghost.y, PLAYER_RADIUS, 0, 2 * Math.PI);
    context.stroke();
    context.setLineDash([]);
  }
  for (const [id, { x, y }] of players) {
    const player = state.players[id];
    if (!player) continue;
    context.fillStyle = `hsl(${player.hue} 70% 55%)`;
    context.beginPath();
    context.arc(x, y, PLAYER_RADIUS, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = context.strokeStyle = style.color;
    context.lineWidth = 4;
    if (id === self) context.stroke();
    // At least 11 pixels of the screen.
    context.font = `600 ${Math.max(22, (11 * WIDTH) / canvas.clientWidth)}px system-ui`;
    context.textAlign = "center";
    context.fillText(player.name, x, y > 60 ? y - PLAYER_RADIUS - 10 : y + PLAYER_RADIUS + 26);
  }
}

function drawGrid(context: CanvasRenderingContext2D, colour: string): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = GRID; x < WIDTH; x += GRID) (context.moveTo(x, 0), context.lineTo(x, HEIGHT));
  for (let y = GRID; y < HEIGHT; y += GRID) (context.moveTo(0, y), context.lineTo(WIDTH, y));
  context.stroke();
}

function drawGem(context: CanvasRenderingContext2D, x: number, y: number, colour: string): void {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x, y - GEM_RADIUS - 3);
  context.lineTo(x + GEM_RADIUS, y);
  context.lineTo(x, y + GEM_RADIUS + 3);
  context.lineTo(x - GEM_RADIUS, y);
  context.fill();
}
