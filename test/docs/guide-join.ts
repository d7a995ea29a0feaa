import { defineRoom, signal, sync, users } from "../../src/index.ts";
import * as z from "zod";

class Player {
  name = sync(signal(""));
}

export const table = defineRoom({
  path: "table-{id}",
  maxUsers: 4,
  spectators: true,
  join: { input: z.object({ name: z.string().trim().min(1).max(20), code: z.string().optional() }) },
  state: () => ({ players: users(Player), round: sync(signal(0)) }),
  guards: [({ join, room }) => !join || join.code === room.params["id"]], // asked for messages too, without join
  onJoin: ({ user, join }) => user.name.set(join.name),
  actions: {
    shout: {
      input: z.string().max(100),
      rateLimit: { messages: 1, per: 1000 }, // one a second
      run: ({ room, user }, text) => room.broadcast({ type: "shout", value: { from: user.name(), text } }),
    },
  },
});
