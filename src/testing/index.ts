export { TestClient } from "./client.ts";
export type { Closed, ReceivedPacket, TextListener } from "./client.ts";
export { RoomObject, WorldObject } from "./room-object.ts";
export { ShardObject } from "./shard-object.ts";
export { testRoom } from "./test-room.ts";
export { testService } from "./test-service.ts";
export type { ServiceTest, TestServiceConfig, WorldTest } from "./test-service.ts";
export type {
  Caller,
  ClientOptions,
  RoomTest,
  RoomUnderTest,
  TestObject,
  TestRoomOptions,
  TestServer,
} from "./types.ts";

/** The Worker under test. Clients of tests reach their service directly, so it gets no requests. */
export default {
  fetch: (): Response =>
    new Response("This Worker is for tests: testService and testRoom have their own", { status: 404 }),
};
