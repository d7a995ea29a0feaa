/** The Worker of the tests: it serves whatever `testRoom` is given. */
export { RoomObject, default } from "durable-rooms/testing";
