import { testRoom } from "durable-rooms/testing";
import { expect, it } from "vitest";
import { GEMS, SPEED, walk, WIDTH } from "../src/arena";
import { arenaRoom } from "../src/arena-room";
import { Timeline } from "../page/timeline";

it("the room moves players at their speed, whatever they send, and stops them at the edge", async () => {
  const { createClient, room, server, expectConverged } = await testRoom(arenaRoom);
  const ada = await createClient();
  const bob = await createClient();
  const id = ada.publicId;
  await room.change((state) => {
    state.players()[id]?.x.set(100);
    state.players()[id]?.y.set(400);
  });
  for (let time = 0; time < 5; time++) await ada.call("steer", { x: 1, y: 0 });
  const before = bob.state.tick;
  const from = bob.state.players[id]?.x ?? 0;
  await server.advance(1000);
  const ticks = bob.state.tick - before;
  const way = (bob.state.players[id]?.x ?? 0) - from;
  expect(ticks).toBeGreaterThanOrEqual(18);
  // As far as the ticks' own time goes, to one tick.
  expect(Math.abs(way - SPEED)).toBeLessThanOrEqual(SPEED / 10);
  await expect(ada.call("steer", { x: 50, y: 0 })).rejects.toMatchObject({ code: "invalid_input" });
  await server.advance(10_000);
  expect(bob.state.players[id]?.x).toBe(WIDTH - 26);
  await expectConverged();
});

it("diagonally nobody is faster", () => {
  const { x, y } = walk({ x: 400, y: 400 }, { x: 1, y: 1 }, 1000);
  expect(Math.hypot(x - 400, y - 400)).toBeCloseTo(SPEED);
});

it("whoever touches a gem has it, and there are always as many", async () => {
  const { createClient, room, server } = await testRoom(arenaRoom);
  const ada = await createClient({ id: "ada" });
  await server.advance(100);
  const [, gem] = Object.entries(ada.state.gems)[0] ?? [];
  await room.change((state) => {
    const me = state.players()[ada.publicId];
    me?.x.set(gem?.x ?? 0);
    me?.y.set(gem?.y ?? 0);
  });
  await server.advance(100);
  const score = ada.state.players[ada.publicId]?.score ?? 0;
  expect(score).toBeGreaterThanOrEqual(1);
  expect(Object.keys(ada.state.gems)).toHaveLength(GEMS);
  // Who reconnects goes on where they were.
  const before = ada.state.players[ada.publicId];
  ada.close();
  await ada.closed;
  const back = await createClient({ id: "ada" });
  expect(back.state.players[back.publicId]).toMatchObject({ x: before?.x, y: before?.y, score });
});

it("the timeline shows what was true a moment ago, between two ticks, and lets nobody jump back", () => {
  const timeline = new Timeline();
  for (let tick = 0; tick < 10; tick++) {
    // Packets come a little early or late.
    timeline.add(tick, 1000 + tick * 50 + (tick % 3) * 8, { a: { x: tick * 10, y: 0 } });
  }
  const xs = Array.from({ length: 30 }, (_, frame) => timeline.at(1250 + frame * 8).get("a")?.x ?? Number.NaN);
  for (const [index, x] of xs.entries()) expect(x).toBeGreaterThanOrEqual(xs[index - 1] ?? 0);
  // A hundred ms behind, at 200 pixels a second, up to what packets were late.
  expect(Math.abs((timeline.at(1400).get("a")?.x ?? 0) - 60)).toBeLessThanOrEqual(4);
  // Nothing came for long: what came last stays.
  expect(timeline.at(9000).get("a")).toEqual({ x: 90, y: 0 });
});
