// worker.ts, the entry that wrangler deploys
import { createRooms, jwt } from "../../src/index.ts";
import { gameRoom } from "./game-room.ts";

const rooms = createRooms({
  rooms: [gameRoom], // the party "main"; { parties: { lobby: [lobbyRoom] } } adds others
  auth: jwt({ secret: "AUTH_JWT_SECRET" }), // the name of a secret; or jwt({ jwksUrl, issuer, audience })
  cors: { origin: "*" }, // the options of hono/cors, or false
});

export class RoomObject extends rooms.RoomObject {}
export default rooms.app; // a Hono app: add routes of your own to it
