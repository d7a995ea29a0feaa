import { signal } from "@signe/reactive";
import { connected, createRooms, defineRoom, jwt, sync, users } from "../../../src/index.ts";

class Player {
  name = sync(signal(""));
  online = connected();
}
const state = () => ({ players: users(Player) });

/** One ordinary room, and some in which a check finds a problem. */
const quiet = defineRoom({ path: "quiet-{id}", state });
const restless = defineRoom({ path: "restless-{id}", state, tick: { hz: 1, run: () => {} } });
const closed = defineRoom({ path: "closed-{id}", state, auth: "required" });

const rooms = createRooms({
  rooms: [quiet, restless, closed],
  auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  log: () => {},
});
export class RoomObject extends rooms.RoomObject {}
export default rooms.app;
