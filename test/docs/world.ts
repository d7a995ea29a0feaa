// worker.ts
import { createRooms, jwt } from "../../src/index.ts";
import { worlds } from "../../src/worlds.ts";
import { gameRoom } from "./game-room.ts";

const rooms = createRooms({
  rooms: [gameRoom],
  auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  world: worlds({ shardCapacity: 75, balancing: "round-robin" }), // or "least-connections", "random", "nearest"
});

export class RoomObject extends rooms.RoomObject {}
export class WorldObject extends rooms.WorldObject {}
export class ShardObject extends rooms.ShardObject {}
export default rooms.app;
