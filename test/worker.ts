import { createApp } from "../src/app/app.ts";
import { createVerifier } from "../src/auth/verify.ts";
import { findRoom } from "../src/testing/registry.ts";

/** The Worker that the tests run against: it serves whatever rooms they register, and checks their tokens. */
export { RoomObject } from "../src/testing/room-object.ts";

export default createApp({
  find: findRoom,
  verify: createVerifier({ secret: "AUTH_JWT_SECRET" }),
  cors: { origin: "*" },
});
