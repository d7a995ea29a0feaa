import { connected, defineRoom, id, requireClaim, signal, sync, users } from "durable-rooms";
import * as z from "zod"; // not { z }, which makes the Worker twice as large

/** Every user of the room has one. All users see all visitors. */
class Visitor {
  id = id(); // filled with the user's public id
  name = sync(signal("Somebody"));
  x = sync(signal(0.5)); // 0 is the left edge, 1 the right edge
  y = sync(signal(0.5));
  online = connected(); // set by the library
}

const place = z.number().min(0).max(1);

export const lobby = defineRoom({
  path: "lobby-{id}", // lobby-1, lobby-2 and so on are different rooms

  state: () => ({
    cheers: sync(signal(0)), // sent to everyone, and stored
    visitors: users(Visitor),
  }),

  events: { cheered: z.string() }, // packets that are not part of the state

  actions: {
    move: {
      input: z.object({ x: place, y: place }),
      run({ user }, { x, y }) {
        user.x.set(x);
        user.y.set(y);
      },
    },
    rename: {
      input: z.string().trim().min(1, "A name needs at least one letter").max(20, "A name can have at most 20 letters"),
      run({ user }, name) {
        user.name.set(name);
      },
    },
    cheer: {
      run({ state, user, room }) {
        state.cheers.update((cheers) => cheers + 1);
        room.broadcast({ type: "cheered", value: user.id }); // users who connect later do not get it
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
      guards: [requireClaim("role", "admin")], // only with a token that has this claim
      run({ state, res }) {
        state.cheers.set(0);
        return res.success();
      },
    },
  },
});
