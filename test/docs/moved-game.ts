import { createRooms, defineRoom, signal, sync, users } from "../../src/index.ts";
import * as z from "zod";

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
}

export const game = defineRoom({
  path: "{name}", // any id
  maxUsers: 4,
  sessionExpiryTime: 60_000, // so long a player is kept who lost their connection
  state: () => ({ players: users(Player) }),
  actions: {
    move: {
      input: z.object({ x: z.number(), y: z.number() }),
      run({ user }, { x, y }) {
        user.x.set(x);
        user.y.set(y);
      },
    },
  },
});

const rooms = createRooms({ parties: { game: [game] } }); // at /parties/game/:name

export class RoomObject extends rooms.RoomObject {}
export default rooms.app;
