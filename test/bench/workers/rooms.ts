import { signal } from "@signe/reactive";
import * as z from "zod";
import { createRooms, defineRoom, sync, users } from "../../../src/index.ts";

/** (b): this project. The name of a room says its `throttleSync`. */
class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  score = sync(signal(0));
}
const position = z.object({ x: z.number().min(0).max(1000), y: z.number().min(0).max(1000) });

function gameRoom(path: string, throttleSync: number | "auto") {
  return defineRoom({
    path,
    throttleSync,
    // A saturated room is what some scenarios are about.
    rateLimit: { messages: 1_000_000, per: 1000 },
    state: () => ({ round: sync(signal(0)), last: sync(signal("")), players: users(Player) }),
    actions: {
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

const rooms = createRooms({
  rooms: [gameRoom("0-{id}", 0), gameRoom("auto-{id}", "auto"), gameRoom("50-{id}", 50)],
  auth: { secret: "AUTH_JWT_SECRET" },
  world: { shardCapacity: 1000 },
});
export class Room extends rooms.RoomObject {}
export class World extends rooms.WorldObject {}
export class Shard extends rooms.ShardObject {}
export default rooms.app;
