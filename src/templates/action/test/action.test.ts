import { testRoom } from "durable-rooms/testing";
import { expect, it } from "vitest";
import { GEMS, HZ, PLAYER_RADIUS, SPEED, step, WALLS, WIDTH } from "../src/arena";
import { arenaRoom } from "../src/arena-room";

const NO_WALLS = { dt: 1 / HZ, state: { walls: {} } };

async function start() {
  const test = await testRoom(arenaRoom);
  const ada = await test.createClient({ id: "ada" });
  const bob = await test.createClient();
  const put = (id: string, x: number, y: number) =>
    test.room.change((state) => {
      state.players()[id]?.x.set(x);
      state.players()[id]?.y.set(y);
    });
  let number = 0;
  const move = async (value: object, seen?: number) => {
    await ada.send({ action: "move", input: ++number, value, seen } as never);
    await test.server.advance(1000 / HZ);
  };
  return { ...test, ada, bob, put, move };
}

it("a player moves at the same speed however many inputs are sent, and stops at the edge", async () => {
  const { ada, bob, put, server, expectConverged } = await start();
  await put(ada.publicId, 100, 760);
  const x = () => bob.state.players[ada.publicId]?.x ?? 0;
  for (let input = 1; input <= 60; input++) await ada.send({ action: "move", input, value: { x: 1, y: 0 } } as never);
  await server.advance(1000);
  // A player may catch up with a quarter of a second.
  expect(x() - 100).toBeLessThanOrEqual(SPEED * 1.4);
  expect(x() - 100).toBeGreaterThanOrEqual(SPEED * 0.8);
  await server.advance(3000);
  for (let input = 61; input <= 120; input++) await ada.send({ action: "move", input, value: { x: 1, y: 0 } } as never);
  await server.advance(4000);
  expect(x()).toBeLessThanOrEqual(WIDTH - PLAYER_RADIUS + 0.1);
  await expectConverged();
});

it("a player is not faster diagonally, and slides along walls", () => {
  const from = { x: 400, y: 400 };
  const { x = 0, y = 0 } = step(from, { x: 1, y: 1 }, NO_WALLS);
  expect(Math.hypot(x - 400, y - 400)).toBeCloseTo(SPEED / HZ);
  const [wall] = WALLS;
  if (!wall) throw new Error("There is no wall");
  const beside = { x: wall.x - PLAYER_RADIUS, y: wall.y + 50 };
  const slid = step(beside, { x: 1, y: 1 }, { ...NO_WALLS, state: { walls: { wall } } });
  expect(slid.x).toBe(beside.x);
  expect(slid.y).toBeGreaterThan(beside.y);
});

it("a player collects a gem by touching it, and a new gem appears", async () => {
  const { ada, put, server, createClient } = await start();
  await server.advance(100);
  const [, gem] = Object.entries(ada.state.gems)[0] ?? [];
  await put(ada.publicId, gem?.x ?? 0, gem?.y ?? 0);
  await server.advance(100);
  const score = ada.state.players[ada.publicId]?.score ?? 0;
  expect(score).toBeGreaterThanOrEqual(1);
  expect(Object.keys(ada.state.gems)).toHaveLength(GEMS);
  // A player who reconnects continues at the same position.
  const before = ada.state.players[ada.publicId];
  ada.close();
  await ada.closed;
  const back = await createClient({ id: "ada" });
  expect(back.state.players[back.publicId]).toMatchObject({ x: before?.x, y: before?.y, score });
});

it("a shot hits the player who was there when it was aimed, and walls stop it", async () => {
  const { ada, bob, put, move, server } = await start();
  await put(ada.publicId, 100, 100);
  await put(bob.publicId, 500, 60);
  await server.advance(500);
  const before = bob.state.players[ada.publicId]?.score ?? 0;
  await move({ x: 0, y: 0, shot: { x: 1, y: -0.1 } });
  await server.advance(100);
  const after = bob.state.players[ada.publicId]?.score ?? 0;
  expect(after).toBeGreaterThanOrEqual(before + 3);
  // Bob is somewhere else now.
  expect(bob.state.players[bob.publicId]).not.toMatchObject({ x: 500 });
  await put(ada.publicId, 200, 300);
  await put(bob.publicId, 400, 300);
  await server.advance(1000);
  const x = bob.state.players[bob.publicId]?.x;
  await move({ x: 0, y: 0, shot: { x: 1, y: 0 } });
  await server.advance(100);
  expect(bob.state.players[bob.publicId]?.x).toBe(x);
});
