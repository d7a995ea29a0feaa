import { createRooms } from "durable-rooms";
import { lobby } from "./room";

const rooms = createRooms({
  rooms: [lobby],
  auth: { secret: "AUTH_JWT_SECRET" },
});

export class RoomObject extends rooms.RoomObject {}
export default rooms.app; // a Hono app: add routes of your own to it
