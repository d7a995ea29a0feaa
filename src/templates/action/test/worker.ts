/** The Worker of the tests: it serves the rooms that `testRoom` gets. */
export { RoomObject, default } from "durable-rooms/testing";
