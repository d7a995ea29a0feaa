import { connected, defineRoom, integer, signal, sync, users } from "../../src/index.ts";
import * as z from "zod";

class Guest {
  name = sync(signal("?"));
  online = connected(); // whether one of their connections is open
  // Not stored: where a pointer was is of no use after a restart. Whole numbers take one or two bytes each.
  x = sync(signal(0), { persist: false, as: integer });
  y = sync(signal(0), { persist: false, as: integer });
}

export const canvas = defineRoom({
  path: "canvas-{id}",
  sessionExpiryTime: 10_000, // who left is shown as away for ten seconds, and then not at all
  state: () => ({ guests: users(Guest) }),
  actions: {
    point: {
      input: z.object({ x: z.number(), y: z.number() }),
      run({ user }, { x, y }) {
        user.x.set(x);
        user.y.set(y);
      },
    },
  },
});
