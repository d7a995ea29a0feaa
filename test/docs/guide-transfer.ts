import { connected, createRooms, defineRoom, signal, sync, transfers, users } from "../../src/index.ts";
import * as z from "zod";

class Hero {
  gold = sync(signal(0));
  online = connected();
}

export const dungeon = defineRoom({
  path: "level-{n}",
  state: () => ({ heroes: users(Hero) }),
  actions: {
    loot: { run: ({ user }) => user.gold.update((gold) => gold + 10) },
    descend: {
      input: z.string(),
      async run({ room, conn }, targetRoomId) {
        const there = await room.fetch(targetRoomId, "/open");
        if (!(await there.json<boolean>())) return { transferToken: null };
        return { transferToken: await room.sessionTransfer(conn, targetRoomId) };
      },
    },
  },
  requests: {
    "GET /open": { run: ({ state }) => Object.keys(state.heroes()).length < 10 },
  },
  // What was stored of the user where they came from, and what to load of it here.
  onSessionRestore: ({ userSnapshot }) => ({ ...userSnapshot, gold: Number(userSnapshot["gold"]) + 1 }),
});

const rooms = createRooms({ rooms: [dungeon], transfers });
export default rooms.app;
