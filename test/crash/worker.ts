import { createRooms, jwt, transfers } from "../../src/index.ts";
import { worlds } from "../../src/worlds.ts";
import { eager, lazy } from "./rooms.ts";

/** The service that is killed. It is configured as a user would deploy it. */
const rooms = createRooms({
  rooms: [eager, lazy],
  auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  transfers,
  world: worlds({ ids: ["w"], shardCapacity: 8, connectRate: { requests: 100_000, per: 1000 } }),
});
export class RoomObject extends rooms.RoomObject {}
export class WorldObject extends rooms.WorldObject {}
export class ShardObject extends rooms.ShardObject {}
export default rooms.app;
