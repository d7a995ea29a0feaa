import { collection, defineRoom, signal, sync, users } from "../../src/index.ts";
import * as z from "zod";
import { POSITION, step } from "./netcode-shared.ts";

class Shooter {
  x = sync(signal(600), { as: POSITION });
  y = sync(signal(400), { as: POSITION });
  hp = sync(signal(100));
}
const makeWall = () => ({ x: sync(signal(0)), y: sync(signal(0)), size: sync(signal(40)) });
interface Place {
  readonly x: number;
  readonly y: number;
}
interface Past {
  readonly players: Readonly<Record<string, Place>>;
}
declare function findHit(from: Place, players: Readonly<Record<string, Place>>): string | undefined;

export const duel = defineRoom({
  path: "duel-{id}",
  throttleSync: 0,
  state: () => ({
    players: users(Shooter, { history: { fields: ["x", "y"], ms: 1000 } }),
    walls: collection(makeWall),
  }),
  tick: { hz: 30 },
  inputs: {
    move: {
      input: z.object({ x: z.number(), y: z.number(), fires: z.boolean() }),
      step,
      run({ user, state, room, seen }, { fires }) {
        if (!fires) return;
        const me = { x: user.x(), y: user.y() };
        const hit = room.rewind(seen, ({ players }: Past) => findHit(me, players));
        if (hit) state.players()[hit]?.hp.update((hp) => hp - 10);
      },
    },
  },
});
