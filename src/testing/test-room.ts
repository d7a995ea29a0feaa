import type { DefinedRoom } from "../define/room.ts";
import { transfers } from "../app/transfers.ts";
import type { Auth } from "../auth/verify.ts";
import { RoomError } from "../protocol/errors.ts";
import { testService } from "./test-service.ts";
import type { RoomTest, TestRoomOptions } from "./types.ts";

/**
 * Runs a room as a real Durable Object in workerd: the short form of {@link testService} with this room alone. The `main`
 * of your vitest config has to export the kit's class: `export { RoomObject, default } from "durable-rooms/testing"`,
 * bound as `ROOMS`.
 *
 * @throws Error if `state()` returns a signal that it did not make: all rooms would share it
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
/** A room that requires a token gets claims as if one had been verified. */
const NO_TOKENS: Auth = { users: async () => refuse(), operators: async () => refuse() };
