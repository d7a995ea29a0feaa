import { testRoom } from "durable-rooms/testing";
import { expect, it } from "vitest";
import { boardRoom } from "../src/board-room";

it("a stroke grows on all boards while it is drawn, and only new points are sent", async () => {
  const { createClient, expectConverged } = await testRoom(boardRoom);
  const ada = await createClient();
  const bob = await createClient();
  await ada.call("join", { name: "Ada", colour: "red" });
  await ada.call("draw", { key: "stroke1", points: [1, 2, 3, 4, 5, 6] });
  await ada.call("draw", { key: "stroke1", points: [7, 8] });
  expect(bob.state.strokes["stroke1"]).toEqual({ by: ada.publicId, colour: "red", points: [1, 2, 3, 4, 5, 6, 7, 8] });
  const patches = bob.packets.filter(({ value }) => "strokes" in (value as object));
  expect(patches.at(-1)?.value).toEqual({ strokes: { stroke1: { points: { 6: 7, 7: 8 } } } });
  await expectConverged();
});

it("cursors are shown while their users are connected", async () => {
  const { createClient } = await testRoom(boardRoom);
  const ada = await createClient();
  const bob = await createClient();
  await ada.call("point", { x: 10, y: 20 });
  expect(bob.state.guests[ada.publicId]?.cursor).toEqual({ x: 10, y: 20 });
  ada.close();
  await ada.closed;
  await bob.call("point", null);
  expect(bob.state.guests[ada.publicId]).toMatchObject({ cursor: null, online: false });
});

it("users cannot continue or undo the strokes of others", async () => {
  const { createClient } = await testRoom(boardRoom);
  const ada = await createClient();
  const bob = await createClient();
  await ada.call("draw", { key: "stroke1", points: [1, 2] });
  await expect(bob.call("draw", { key: "stroke1", points: [3, 4] })).rejects.toMatchObject({ code: "forbidden" });
  await expect(bob.call("undo", "stroke1")).rejects.toMatchObject({ code: "forbidden" });
  await expect(bob.call("draw", { key: "stroke2", points: [1, 99_999] })).rejects.toMatchObject({
    code: "invalid_input",
  });
  const many = Array.from({ length: 200 }, () => 5);
  for (let time = 0; time < 3; time++) await ada.call("draw", { key: "stroke1", points: many });
  await expect(ada.call("draw", { key: "stroke1", points: many })).rejects.toThrow("Begin another stroke");
  await ada.call("undo", "stroke1");
  expect(bob.state.strokes).toEqual({});
});

it("the board is there after a crash, and the same guest returns", async () => {
  const { createClient, server } = await testRoom(boardRoom);
  const ada = await createClient({ id: "ada" });
  await ada.call("draw", { key: "stroke1", points: [1, 2] });
  await server.advance(1000);
  await server.crash();
  const back = await createClient({ id: "ada" });
  await back.call("draw", { key: "stroke1", points: [3, 4] });
  expect(back.state.strokes["stroke1"]?.points).toEqual([1, 2, 3, 4]);
  await back.call("clear");
  expect(back.state.strokes).toEqual({});
});
