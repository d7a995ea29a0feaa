// worker.ts
import { createRooms, jwt } from "../../src/index.ts";
import { inspector } from "../../src/inspector/index.ts";
import { gameRoom } from "./game-room.ts";

const rooms = createRooms({ rooms: [gameRoom], auth: jwt({ secret: "AUTH_JWT_SECRET" }), inspector });

export class RoomObject extends rooms.RoomObject {}
export default rooms.app;
