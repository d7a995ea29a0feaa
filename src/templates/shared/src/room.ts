import { connected, defineRoom, id, requireClaim, signal, sync, users } from "durable-rooms";
import * as z from "zod"; // not { z }, which makes the Worker twice as large

/** Everyone who is here has one, and sees those of all others. */
class Visitor {
  id = id(); // filled with the user's public id
  name = sync(signal("Somebody"));
  x = sync(signal(0.5)); // from 0, the left, to 1
  y = sync(signal(0.5));
  online = connected(); // kept by the runtime
}

const place = z.number().min(0).max(1);

export const lobby = defineRoom({
  path: "lobby-{id}", // lobby-1, lobby-2 and so on are rooms of their own

  state: () => ({
    cheers: sync(signal(0)), // sent to everyone, and stored
    visitors: users(Visitor),
  }),

  events: { cheered: z.string() }, // what the room sends by itself, beside its state

  actions: {
    move: {
      input: z.object({ x: place, y: place }),
      run({ user }, { x, y }) {
        user.x.set(x);
        user.y.set(y);
      },
    },
    rename: {
      input: z.string().trim().min(1, "A name has a letter at least").max(20, "A name has 20 letters at most"),
      run({ user }, name) {
        user.name.set(name);
      },
    },
    cheer: {
      run({ state, user, room }) {
        state.cheers.update((cheers) => cheers + 1);
        room.broadcast({ type: "cheered", value: user.id }); // nobody has to know of it later
      },
    },
  },

  requests: {
    "GET /status": {
      run: ({ state }) => ({
        cheers: state.cheers(),
        online: Object.values(state.visitors()).filter((visitor) => visitor.online()).length,
      }),
    },
    "POST /reset": {
      guards: [requireClaim("role", "admin")], // who has a token that says so
      run({ state, res }) {
        state.cheers.set(0);
        return res.success();
      },
    },
  },
});
