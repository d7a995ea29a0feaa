import { createApp } from "../app/app.ts";
import { findRoom } from "./registry.ts";

export { TestClient } from "./client.ts";
export type { Closed, ReceivedPacket, TextListener } from "./client.ts";
export { RoomObject } from "./room-object.ts";
export { testRoom } from "./test-room.ts";
export type { ClientOptions, RoomTest, RoomUnderTest, TestRoomOptions, TestServer } from "./test-room.ts";

/** The Worker under test: it leads requests to the rooms that `testRoom` registered. */
export default createApp({ find: findRoom, verify: undefined, cors: { origin: "*" } });
