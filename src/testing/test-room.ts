import type { DefinedRoom } from "../define/room.ts";
import { transfers } from "../app/transfers.ts";
import type { Auth } from "../auth/jwt.ts";
import { createOperators } from "../auth/operators.ts";
import { RoomError } from "../protocol/errors.ts";
import { testService } from "./test-service.ts";
import type { RoomTest, TestRoomOptions } from "./types.ts";

/**
 * Runs one room in workerd, as a real Durable Object: the short form of {@link testService} with this room alone. The
 * `main` of your vitest config has to export the class of the test kit, bound as `ROOMS`: `export { RoomObject, default
 * } from "durable-rooms/testing"`.
 *
 * @throws Error if `state()` returns a signal that it did not make, since all rooms would share it
 * @example
 * import { testRoom } from "durable-rooms/testing";
 * const { createClient, room, server } = await testRoom(gameRoom);
 * const client = await createClient();
 * await client.send({ action: "increment" });
 * expect(room.state.count()).toBe(1);
 * await server.evict();
 */
export async function testRoom<S, A, O, E, J, F>(
  definition: DefinedRoom<S, A, O, E, J, F>,
  options: TestRoomOptions = {},
): Promise<RoomTest<S, A, O, E, J, F>> {
  const isClosed = definition.compiled.settings.auth === "required";
  const service = await testService({ rooms: [definition], transfers, ...(isClosed && { auth: NO_TOKENS }) });
  return service.room(definition, options);
}

const refuse = (): never => {
  throw new RoomError("unauthenticated", "testRoom takes claims, not tokens: use testService with auth: jwt({ … })");
};
/** A room with `auth: "required"` gets claims as if a token had been verified. */
const NO_TOKENS: Auth = {
  users: async () => refuse(),
  operators: { ...createOperators(), verify: async () => refuse() },
};
