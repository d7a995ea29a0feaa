import { createRooms, jwt } from "../../../src/index.ts";
import { worlds } from "../../../src/worlds.ts";
import { crowdRoom } from "./crowd-room.ts";

/** A crowd with this project. The prefix of a room's name selects its `throttleSync`. */
const rooms = createRooms({
  rooms: [crowdRoom("auto-{id}", "auto"), crowdRoom("50-{id}", 50)],
  auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  world: worlds({ shardCapacity: 1000 }),
});
export class Room extends rooms.RoomObject {}
export class World extends rooms.WorldObject {}
export class Shard extends rooms.ShardObject {}
export default rooms.app;
