/** The Worker of the tests. It serves the rooms that are passed to `testRoom`. */
export { RoomObject, default } from "durable-rooms/testing";
