import { createRooms, jwt, transfers } from "../../src/index.ts";
import { worlds } from "../../src/worlds.ts";
import { closed, target } from "./target.ts";

/** The service that the long form attacks. It is configured as a user would deploy it. */
const rooms = createRooms({
  rooms: [target, closed],
  auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  transfers,
  world: worlds({ ids: ["w"], shardCapacity: 50, maxRooms: 100, maxShards: 5 }),
});
export class RoomObject extends rooms.RoomObject {}
export class WorldObject extends rooms.WorldObject {}
export class ShardObject extends rooms.ShardObject {}
export default rooms.app;
