import { testRoom } from "durable-rooms/testing";
import { expect, it } from "vitest";
import { chatRoom, KEPT } from "../src/chat-room";

it("everyone sees who types, until they send, stop or leave", async () => {
  const { createClient, room, expectConverged } = await testRoom(chatRoom);
  const ada = await createClient({ id: "ada" });
  const bob = await createClient();
  const seen = () => bob.state.members[ada.publicId]?.isTyping;
  await ada.call("typing", true);
  expect(seen()).toBe(true);
  await ada.call("say", "Hello");
  expect(seen()).toBe(false);
  await ada.call("typing", true);
  ada.close();
  await ada.closed;
  await bob.call("typing", false);
  expect(seen()).toBe(false);
  expect(room.state.members()[ada.publicId]?.online()).toBe(false);
  await expectConverged();
});

it("an answered message survives a crash, in order, with its author", async () => {
  const { createClient, server } = await testRoom(chatRoom);
  const ada = await createClient({ id: "ada" });
  await ada.call("rename", "Ada");
  for (const text of ["one", "two", "three"]) await ada.call("say", text);
  await server.crash();
  const back = await createClient({ id: "ada" });
  const messages = Object.entries(back.state.messages)
    .toSorted()
    .map(([, message]) => message);
  expect(messages.map(({ text }) => text)).toEqual(["one", "two", "three"]);
  expect(messages[0]).toMatchObject({ name: "Ada", by: back.publicId });
});

it("a limited number is kept, and users can delete only their own", async () => {
  const { createClient, room, server } = await testRoom(chatRoom);
  const ada = await createClient();
  const bob = await createClient();
  for (let index = 0; index < KEPT + 3; index++) {
    await ada.call("say", `number ${index}`);
    if (index % 20 === 19) await server.advance(5000);
  }
  const keys = Object.keys(bob.state.messages).toSorted();
  expect(keys).toHaveLength(KEPT);
  expect(bob.state.messages[keys[0] ?? ""]?.text).toBe("number 3");
  await server.advance(5000);
  await expect(bob.call("remove", keys[0] ?? "")).rejects.toMatchObject({ code: "forbidden" });
  await ada.call("remove", keys[0] ?? "");
  expect(Object.keys(room.state.messages())).toHaveLength(KEPT - 1);
});

it("a user who floods the chat is told so", async () => {
  const { createClient } = await testRoom(chatRoom);
  const ada = await createClient();
  for (let index = 0; index < 25; index++) await ada.send({ action: "typing", value: true });
  expect(ada.packets.at(-1)).toMatchObject({ type: "error", value: { code: "rate_limited" } });
  await expect((await createClient()).call("say", " ")).rejects.toMatchObject({ code: "invalid_input" });
});
