/** The Worker of the tests: it serves whatever `testService` is given. */
export { RoomObject, ShardObject, WorldObject, default } from "durable-rooms/testing";
