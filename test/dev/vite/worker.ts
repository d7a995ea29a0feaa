import { signal } from "@signe/reactive";
import { connected, createRooms, defineRoom, jwt, sync, users } from "durable-rooms";
import { worlds } from "durable-rooms/worlds";
import { VERSION } from "./version.ts";

class User {
  online = connected();
}

/** A room that sends its code's version and its state four times per second. */
function makeRoom(path: "awake-{id}" | "room-{id}", hibernate: boolean) {
  return defineRoom({
    path,
    hibernate,
    state: () => ({
      count: sync(signal(0)),
      version: sync(signal(-1)),
      users: users(User),
    }),
    // Clients that are connected when the code changes receive what the new code sets.
    onStart: ({ state }) => state.version.set(VERSION),
    tick: {
      hz: 4,
      run: ({ state, room }) => room.broadcast({ type: "beat", value: { version: VERSION, count: state.count() } }),
    },
    actions: {
      add: { run: ({ state }) => (state.count.update((count) => count + 1), state.count()) },
      version: { run: () => VERSION },
    },
  });
}

const rooms = createRooms({
  rooms: [makeRoom("room-{id}", true), makeRoom("awake-{id}", false)],
  auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  world: worlds({ ids: ["world-default"] }),
});
export class RoomObject extends rooms.RoomObject {}
export class WorldObject extends rooms.WorldObject {}
export class ShardObject extends rooms.ShardObject {}
export default rooms.app;
