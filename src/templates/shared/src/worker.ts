import { createRooms, jwt } from "durable-rooms";
import { inspector } from "durable-rooms/inspector";
import { lobby } from "./room";

const rooms = createRooms({
  rooms: [lobby],
  auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  inspector, // a page at /inspector; a deployed one needs a token
});

export class RoomObject extends rooms.RoomObject {}
export default rooms.app; // a Hono app: add routes of your own to it
