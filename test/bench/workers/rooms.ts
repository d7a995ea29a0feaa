import { createRooms, jwt } from "../../../src/index.ts";
import { worlds } from "../../../src/worlds.ts";
import { gameRoom } from "./game-room.ts";

/** (b): this project. The name of a room says its `throttleSync`. */
const rooms = createRooms({
  rooms: [gameRoom("0-{id}", 0), gameRoom("auto-{id}", "auto"), gameRoom("50-{id}", 50)],
  auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  world: worlds({ shardCapacity: 1000 }),
});
export class Room extends rooms.RoomObject {}
export class World extends rooms.WorldObject {}
export class Shard extends rooms.ShardObject {}
export default rooms.app;
