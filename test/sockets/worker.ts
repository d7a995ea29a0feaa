import { signal } from "@signe/reactive";
import * as z from "zod";
import { createRooms, defineRoom, sync, users } from "../../src/index.ts";
import { worlds } from "../../src/worlds.ts";

/** A service whose rooms refuse clients in every way, and at every moment. */
class Player {
  name = sync(signal(""));
}
const state = () => ({ joins: sync(signal(0)), left: sync(signal(0)), players: users(Player) });

function query(request: Request, name: string): string | null {
  return new URL(request.url).searchParams.get(name);
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The query says how long `onJoin` takes in ms, and whether it then refuses the client. */
const door = defineRoom({
  path: "door-{id}",
  state,
  sessionExpiryTime: 60_000,
  async onJoin({ state: { joins }, request }) {
    joins.update((count) => count + 1);
    await sleep(Number(query(request, "wait") ?? 0));
    if (query(request, "password") === "wrong") throw new Error("The password is wrong");
  },
  onLeave({ state: { left } }) {
    left.update((count) => count + 1);
  },
  actions: {
    rename: { run: ({ user }, name) => user.name.set(String(name)) },
  },
  requests: {
    "POST /kick": {
      run({ room }) {
        for (const conn of room.connections) conn.close(4001, "Kicked");
        return { connections: room.connections.length };
      },
    },
    "POST /note": { body: z.string(), run: ({ body }) => body.length },
    "GET /who": {
      run: ({ room, state: { joins, left, players } }) => ({
        connections: room.connections.length,
        players: Object.keys(players()).length,
        joins: joins(),
        left: left(),
      }),
    },
  },
});

const guarded = defineRoom({
  path: "guarded-{id}",
  state,
  guards: [async ({ request }) => (await sleep(Number((request && query(request, "wait")) ?? 0)), false)],
});

const full = defineRoom({ path: "full-{id}", maxUsers: 1, state });

const rooms = createRooms({ rooms: [door, guarded, full], world: worlds() });
export class RoomObject extends rooms.RoomObject {}
export class WorldObject extends rooms.WorldObject {}
export class ShardObject extends rooms.ShardObject {}
export default rooms.app;
