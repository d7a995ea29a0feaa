import { connectRoom } from "../../src/client/index.ts";
import { interpolate, predict } from "../../src/netcode/index.ts";
import type { arena } from "./netcode-room.ts";
import { POSITION, step } from "./netcode-shared.ts";

declare const keys: { readonly x: number; readonly y: number };
declare function drawPlayer(id: string, x: number, y: number): void;

const game = connectRoom<typeof arena>({ host: location.host, room: "arena-1" });
const me = predict(game, { input: "move", step, codecs: { x: POSITION, y: POSITION }, sample: () => keys });
const others = interpolate(game, (state) => state.players);

function draw(now: number): void {
  const own = me.frame(now);
  for (const [id, player] of Object.entries(others.at(now))) {
    const { x, y } = id === game.publicId && own ? own : player;
    drawPlayer(id, x, y);
  }
  requestAnimationFrame(draw);
}
requestAnimationFrame(draw);
