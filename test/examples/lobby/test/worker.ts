/** The Worker of the tests. It serves the rooms that are passed to `testService`. */
export { RoomObject, ShardObject, WorldObject, default } from "durable-rooms/testing";
