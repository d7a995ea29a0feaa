import * as z from "zod";
import { createRooms, defineRoom, jwt } from "../../../src/index.ts";
import { worlds } from "../../../src/worlds.ts";

/** Refuses and ignores request bodies in all ways that a room can. */
const room = defineRoom({
  path: "room-{id}",
  maxMessageBytes: 1024,
  state: () => ({}),
  guards: [({ request }) => request?.headers.get("x-guest") !== "no"],
  requests: {
    "POST /text": { body: z.string(), run: ({ body }) => ({ length: body.length }) },
    "POST /ignored": { run: () => ({ done: true }) },
    "POST /echo": { run: ({ request }) => new Response(request.body) },
    "POST /denied": { guards: [() => false], run: () => {} },
    "POST /broken": {
      run() {
        throw new Error("broken");
      },
    },
  },
});
const closed = defineRoom({ path: "closed", auth: "required", state: () => ({}) });

const rooms = createRooms({
  rooms: [room, closed],
  auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  world: worlds({ ids: ["w"] }),
  log: () => {},
});
export class RoomObject extends rooms.RoomObject {}
export class WorldObject extends rooms.WorldObject {}
export class ShardObject extends rooms.ShardObject {}
export default rooms.app;
