import { collection, defineRoom, signal, sync, users } from "../../src/index.ts";
import * as z from "zod";
import { POSITION, step } from "./netcode-shared.ts";

class Player {
  x = sync(signal(600), { as: POSITION });
  y = sync(signal(400), { as: POSITION });
}
const makeWall = () => ({ x: sync(signal(0)), y: sync(signal(0)), size: sync(signal(40)) });

export const arena = defineRoom({
  path: "arena-{id}",
  throttleSync: 0, // each tick is sent as it is
  state: () => ({ players: users(Player), walls: collection(makeWall) }),
  tick: { hz: 30 },
  inputs: {
    move: { input: z.object({ x: z.number().min(-1).max(1), y: z.number().min(-1).max(1) }), step },
  },
});
