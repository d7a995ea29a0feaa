import { byKey, collection, defineRoom, EVERYTHING, near, persist, signal, sync, users } from "../../src/index.ts";
import * as z from "zod";

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  team = persist(signal("red"));
}
class Trap {
  team = persist(signal("red"));
  damage = sync(signal(10));
}

export const island = defineRoom({
  path: "island-{id}",
  state: () => ({
    // Players see those within 100.
    players: users(Player, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }),
    // Teams see their own traps, and referees all.
    traps: collection(Trap, {
      visibleTo: byKey<Trap>({
        of: (trap) => trap.team(),
        for: ({ user, auth }) => (auth?.["role"] === "referee" ? EVERYTHING : (user as Player).team()),
      }),
    }),
  }),
  actions: {
    move: {
      input: z.object({ x: z.number(), y: z.number() }),
      run: ({ user }, { x, y }) => {
        user.x.set(x);
        user.y.set(y);
      },
    },
    shoot: { run: ({ user, room }) => room.broadcast({ type: "shot" }, { near: user }) },
  },
});
