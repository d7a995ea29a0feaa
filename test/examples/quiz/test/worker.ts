/** The Worker of the tests: its rooms are whatever `testRoom` is given, and its World is that of the service. */
export { RoomObject, default } from "durable-rooms/testing";
export { ShardObject, WorldObject } from "../src/worker";
