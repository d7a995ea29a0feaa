import { describe, expect, it, vi } from "vitest";
import type { Claims } from "../../src/define/types.ts";
import { operator, player, SECRET, TestWorld, WORLD_ID } from "./support.ts";
import type { Ask } from "./support.ts";

const routes: [string, object][] = [
  [
    "POST /register-room",
    { name: "game-1", balancingStrategy: "random", public: true, maxPlayersPerShard: 1, minShards: 0 },
  ],
  ["POST /scale-room", { roomId: "game-1", targetShardCount: 1 }],
  ["GET /registry", {}],
];
const send = (world: TestWorld, route: string, body: object, ask: Ask) =>
  world.ask(route, route.startsWith("GET") ? undefined : body, ask);

describe("an operator", () => {
  it.each<Claims>([
    { worlds: [WORLD_ID] },
    { worlds: ["other", WORLD_ID] },
    { worlds: ["*"] },
    { worlds: WORLD_ID },
    { worlds: "*" },
  ])("has a token with %j", async (auth) => {
    const world = new TestWorld();
    for (const [route, body] of routes) expect((await send(world, route, body, { auth })).status).toBe(200);
    const shardId = world.shards[0]?.info().id;
    expect((await world.ask("POST /update-shard", { shardId, connections: 1 }, { auth })).status).toBe(200);
    expect((await world.listen(auth)).isOpen).toBe(true);
  });

  it.each<Claims>([
    {},
    { worlds: [] },
    { worlds: ["other"] },
    { worlds: "other" },
    { worlds: `${WORLD_ID}*` },
    { worlds: { [WORLD_ID]: true } },
    { worlds: [[WORLD_ID]] },
    { worlds: true },
    Object.create({ worlds: "*" }) as Claims,
  ])("does not have a token with %j", async (auth) => {
    const world = new TestWorld();
    const shardId = await world.enter("game-1");
    for (const [route, body] of routes) {
      expect(await send(world, route, body, { auth })).toMatchObject({
        status: 403,
        body: { error: expect.any(String) },
      });
    }
    expect((await world.ask("POST /update-shard", { shardId, connections: 9 }, { auth })).status).toBe(403);
    expect((await world.listen(auth)).closedWith?.code).toBe(4403);
    expect(world.shard(shardId).info().connections).toBe(0);
  });

  it("has a token", async () => {
    const world = new TestWorld();
    const shardId = await world.enter("game-1");
    for (const [route, body] of [...routes, ["POST /update-shard", { shardId, connections: 9 }] as const]) {
      expect(await send(world, route, body, {})).toMatchObject({ status: 401, body: { error: expect.any(String) } });
    }
    // The secret of shards gives no access to other routes.
    for (const [route, body] of routes) {
      expect((await send(world, route, body, { headers: { "x-access-shard": SECRET } })).status).toBe(401);
    }
    expect((await world.listen(null)).closedWith?.code).toBe(4401);
    expect(world.roomIds).toEqual(["game-1"]);
  });
});

describe("the registry", () => {
  it("is what an operator sees, without the World's private data", async () => {
    const world = new TestWorld();
    const socket = await world.listen(operator);
    const shardId = await world.enter("game-1");
    await world.report(shardId, 3);
    await world.room.advance(100);
    const config = {
      balancingStrategy: "round-robin",
      public: true,
      maxPlayersPerShard: 75,
      minShards: 0,
      maxShards: 100,
    };
    const room = { id: "game-1", isRegistered: false, config, usedAt: expect.any(Number) };
    const identity = { id: shardId, roomId: "game-1", capacity: 75, hint: null };
    const shard = { ...identity, status: "active", connections: 3, reportedAt: expect.any(Number) };
    const { body } = await world.ask("GET /registry", undefined, { auth: operator });
    expect(body).toEqual({ rooms: [room], shards: [shard] });
    expect(socket.clients[0]?.state).toEqual({
      rooms: { "r-game-1": { info: room } },
      shards: { [shardId]: { info: shard } },
    });
  });

  it("accepts no messages over the socket", async () => {
    const world = new TestWorld();
    const socket = await world.listen(operator);
    await world.room.core.message(socket, JSON.stringify({ action: "connect", value: { roomId: "game-1" }, id: 1 }));
    expect(JSON.parse(socket.texts.at(-1) ?? "")).toMatchObject({
      type: "error",
      value: { code: "unknown_action", id: 1 },
    });
  });
});

describe("a shard", () => {
  const report = async (world: TestWorld, secret: string, auth: Claims | null = null) => {
    const shardId = await world.enter("game-1");
    const headers = { "x-access-shard": secret };
    const { status } = await world.ask("POST /update-shard", { shardId, connections: 5 }, { headers, auth });
    return { status, connections: world.shard(shardId).info().connections };
  };

  it("is a caller with the secret", async () => {
    expect(await report(new TestWorld(), SECRET)).toEqual({ status: 200, connections: 5 });
    expect(await report(new TestWorld(), SECRET, player)).toEqual({ status: 200, connections: 5 });
  });

  it.each([`${SECRET}x`, SECRET.slice(1), SECRET.toUpperCase(), "x", "undefined"])(
    "is not a caller with %j",
    async (secret) => {
      expect(await report(new TestWorld(), secret)).toEqual({ status: 403, connections: 0 });
      expect(await report(new TestWorld(), secret, player)).toEqual({ status: 403, connections: 0 });
    },
  );

  it("is not a caller without a secret", async () => {
    expect(await report(new TestWorld(), "")).toEqual({ status: 401, connections: 0 });
  });

  it.each([{}, { SHARD_SECRET: "" }])("does not exist while the service has no secret: %j", async (env) => {
    const world = new TestWorld();
    world.setEnv(env as Record<string, string>);
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    for (const secret of ["undefined", SECRET]) {
      expect(await report(world, secret)).toEqual({ status: 403, connections: 0 });
    }
    const line = JSON.parse(error.mock.calls[0]?.[0] as string) as object;
    error.mockRestore();
    expect(line).toMatchObject({
      level: "error",
      event: "shard_secret_missing",
      hint: expect.stringContaining("SHARD_SECRET"),
    });
    // Operators do not need the secret.
    const shardId = world.shards[0]?.info().id;
    expect((await world.ask("POST /update-shard", { shardId, connections: 1 }, { auth: operator })).status).toBe(200);
  });
});

describe("a room that requires a token", () => {
  it("is not made or extended for a client without one; a free place is given to any client", async () => {
    const world = new TestWorld({ shardCapacity: 2 });
    expect(await world.connect("vip-1")).toMatchObject({ status: 401, body: { error: expect.any(String) } });
    expect(world.roomIds).toEqual([]);
    const shardId = await world.enter("vip-1", { auth: player });
    expect(await world.enter("vip-1")).toBe(shardId);
    expect((await world.connect("vip-1")).status).toBe(401);
    expect(world.shards).toHaveLength(1);
    expect(await world.enter("vip-1", { auth: player })).not.toBe(shardId);
    expect((await world.connect("vip-1")).status).toBe(200);
  });

  it("is open to clients without one if it has shards, even distant ones", async () => {
    const world = new TestWorld({ balancing: "nearest" });
    const shardId = await world.enter("vip-1", { auth: player, cf: { continent: "EU" } });
    expect(await world.enter("vip-1", { cf: { continent: "OC" } })).toBe(shardId);
    expect(await world.enter("vip-1", { auth: player, cf: { continent: "OC" } })).not.toBe(shardId);
  });
});
