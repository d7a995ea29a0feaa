import { createApp } from "../src/app/app.ts";
import { createVerifier } from "../src/auth/verify.ts";
import { createRoomObject } from "../src/objects/room-object.ts";
import { findRoom } from "./support/registry.ts";

/** The Worker that the tests run against: it serves whatever rooms they register. */
export class RoomObject extends createRoomObject(findRoom) {}

export default createApp({
  find: findRoom,
  verify: createVerifier({ secret: "AUTH_JWT_SECRET" }),
  cors: { origin: "*" },
});
