import { signal } from "@signe/reactive";
import * as z from "zod";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { sync } from "../../../src/state/fields.ts";

export class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  score = sync(signal(0));
}
export type GameState = { players(): Record<string, Player> };
const position = z.object({ x: z.number().min(0).max(1000), y: z.number().min(0).max(1000) });

/** The game as a room of this project. It imports nothing of the platform, so that it runs in Node too. */
export function gameRoom(path: string, throttleSync: number | "auto") {
  return defineRoom({
    path,
    throttleSync,
    // Some scenarios are about a saturated room.
    rateLimit: { messages: 1e9, per: 1000 },
    state: () => ({ round: sync(signal(0)), last: sync(signal("")), players: users(Player) }),
    actions: {
      nothing: { run: () => {} },
      checked: { input: position, run: () => {} },
      move: {
        input: position,
        run({ user }, { x, y }) {
          user.x.set(x);
          user.y.set(y);
        },
      },
      five: {
        input: position,
        run({ user, state, conn }, { x, y }) {
          user.x.set(x);
          user.y.set(y);
          user.score.update((score) => score + 1);
          state.round.update((round) => round + 1);
          state.last.set(conn.publicId);
        },
      },
      seed: {
        input: z.number().int(),
        run({ state }, count) {
          for (let index = 0; index < count; index++) {
            const bot = (state.players()[`bot-${String(index).padStart(8, "0")}`] = new Player());
            bot.x.set(index % 1000);
          }
        },
      },
    },
  });
}
