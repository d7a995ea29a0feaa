import { testRoom } from "durable-rooms/testing";
import { expect, it } from "vitest";
import { lobby } from "../src/room";

it("visitors see each other move and cheer", async () => {
  const { createClient, room, expectConverged } = await testRoom(lobby);
  const ada = await createClient();
  const bob = await createClient();
  await ada.call("rename", "Ada");
  await ada.call("move", { x: 0.25, y: 0.75 });
  await bob.call("cheer");
  expect(room.state.cheers()).toBe(1); // the state itself

  await expectConverged(); // every client has exactly the state that it may see
  expect(bob.state.visitors[ada.publicId]).toMatchObject({ name: "Ada", x: 0.25, y: 0.75, online: true });
});

it("a visitor cannot leave the page", async () => {
  const { createClient } = await testRoom(lobby);
  const ada = await createClient();
  await expect(ada.call("move", { x: 2, y: 0 })).rejects.toMatchObject({ code: "invalid_input" });
});

it("cheers survive hibernation", async () => {
  const { createClient, room, server } = await testRoom(lobby);
  const ada = await createClient();
  await ada.call("cheer");
  await server.evict();
  await ada.call("cheer");
  expect(room.state.cheers()).toBe(2);
});

it("only an admin can reset the cheers", async () => {
  const { createClient, room } = await testRoom(lobby);
  const ada = await createClient();
  await ada.call("cheer");
  expect((await room.fetch("/reset", { method: "POST" })).status).toBe(403);
  expect(room.state.cheers()).toBe(1);
});
