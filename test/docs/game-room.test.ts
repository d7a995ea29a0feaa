// game-room.test.ts
import { expect, it } from "vitest";
import { testRoom } from "../../src/testing/index.ts";
import { gameRoom } from "./game-room.ts";

it("a monster falls after ten hits", async () => {
  const { createClient, room, server, expectConverged } = await testRoom(gameRoom);
  const ada = await createClient({ auth: { role: "admin" } });
  const bob = await createClient({ id: "bob" });
  const key = await ada.call("spawn"); // resolves with the ack's result
  for (let hits = 1; hits < 10; hits++) await bob.send({ action: "hit", value: key });
  expect(await bob.call("hit", key)).toBe("slain");
  await expect(bob.call("hit", key)).rejects.toMatchObject({ code: "invalid_input" });

  await server.advance(1000); // lets a second pass for the room, at once
  await expectConverged(); // every client sees just what it may see
  expect(room.state.monsters()).toEqual({});
  expect(bob.state["status"]).toBe("playing");
  expect(await server.roomStorage.get(`players.${bob.publicId}`)).toMatchObject({ score: 1 });

  await server.crash(); // memory and sockets are gone
  const again = await createClient({ id: "bob" });
  expect(again.publicId).toBe(bob.publicId);
});
