import { describe, expect, it, vi } from "vitest";
import { operator, anything, game, player, TestWorld, WORLD_ID } from "./support.ts";
import type { Answer } from "./support.ts";

describe("connect", () => {
  it("gives a client a shard of a room that is made for it", async () => {
    const world = new TestWorld();
    const { status, body } = await world.connect("game-1");
    expect(status).toBe(200);
    expect(body).toEqual({
      success: true,
      shardId: expect.stringMatching(/^game1-[a-z0-9]{12}$/),
      url: body["shardId"],
    });
    expect(world.host.assigned).toEqual([
      { shardId: body["shardId"], worldId: WORLD_ID, party: "main", roomId: "game-1", capacity: 75, draining: false },
    ]);
    expect(world.roomIds).toEqual(["game-1"]);
  });

  it("gives the next client the same shard, without a call to it", async () => {
    const world = new TestWorld();
    const shardId = await world.enter("game-1");
    expect(await world.enter("game-1")).toBe(shardId);
    expect(world.host.assigned).toHaveLength(1);
  });

  it("changes one stored row for a client, once the room has its shard", async () => {
    const world = new TestWorld();
    await world.enter("game-1");
    const { writes } = world.room.storage;
    await world.enter("game-1");
    expect(world.room.storage.writes - writes).toBe(1);
  });

  it("refuses an invalid room, or one that may not be made", async () => {
    const world = new TestWorld();
    expect(await world.connect("lobby-1")).toMatchObject({
      status: 404,
      body: { error: "There is no such room", code: "not_found" },
    });
    expect(await world.connect("game-1", {}, false)).toMatchObject({
      status: 404,
      body: { error: expect.any(String) },
    });
    expect(world.roomIds).toEqual([]);
    expect(world.host.assigned).toEqual([]);
    await world.enter("game-1");
    expect((await world.connect("game-1", {}, false)).status).toBe(200);
  });

  it.each([
    ["not JSON", "{roomId"],
    ["nothing", ""],
    ["a text", '"game-1"'],
    ["null", "null"],
    ["no id", {}],
    ["an empty id", { roomId: "" }],
    ["a long id", { roomId: "g".repeat(513) }],
    ["a number as id", { roomId: 1 }],
    ["half a character", '{"roomId":"game-\\ud83d"}'],
    ["a zero byte", { roomId: "game-\0" }],
    ["the mark of a deletion", { roomId: "$delete" }],
    ["a text as autoCreate", { roomId: "game-1", autoCreate: "no" }],
    ["a reserved key", '{"roomId":"game-1","__proto__":{"autoCreate":false}}'],
    ["more than it reads", { roomId: "game-1", more: "x".repeat(20_000) }],
  ])("answers 400 to a body that is %s", async (_, body) => {
    const world = new TestWorld({}, [anything]);
    const answer = await world.ask("POST /connect", body);
    expect(answer).toMatchObject({ status: 400, body: { error: "Invalid request", details: expect.any(Array) } });
    expect(world.roomIds).toEqual([]);
  });

  it.each([
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "a.b",
    "a/b:c",
    "..",
    "%2E",
    "🎲 café",
    " ",
    "ü".repeat(449),
    "🎲".repeat(224),
    `${"ü".repeat(449)}!`,
  ])("accepts %j as the id of a room", async (roomId) => {
    const world = new TestWorld({ shardCapacity: 1 }, [anything]);
    const shardId = await world.enter(roomId);
    expect(shardId).toMatch(/^[A-Za-z0-9]{1,24}-[a-z0-9]{12}$/);
    expect(await world.enter(`${roomId.slice(0, 510)}#`)).not.toBe(shardId);
    world.crash();
    // The World finds the room again: its shard is full, so the room gets a second one.
    const second = await world.enter(roomId);
    expect(world.shards.map((shard) => shard.info().roomId).filter((id) => id === roomId)).toHaveLength(2);
    expect(world.host.assigned.at(-1)).toMatchObject({ shardId: second, roomId });
    for (const key of Object.keys(world.room.state.rooms())) expect(key).toMatch(/^r-[^.]*$/);
    expect(world.room.log).toEqual([]);
  });

  it("answers 404 when the room is full and may have no more shards", async () => {
    const world = new TestWorld({ shardCapacity: 2, maxShards: 2 });
    for (let client = 0; client < 4; client++) await world.enter("game-1");
    const answer = await world.connect("game-1");
    expect(answer).toMatchObject({ status: 404, body: { error: "The room is full" } });
    expect(world.loads).toEqual([2, 2]);
    expect(await world.enter("game-2")).toBeTruthy();
  });

  it("answers 404 when the World may have no more rooms", async () => {
    const world = new TestWorld({ maxRooms: 2 });
    await world.enter("game-1");
    await world.enter("game-2");
    expect(await world.connect("game-3")).toMatchObject({
      status: 404,
      body: { error: expect.stringContaining("rooms") },
    });
    expect((await world.register({ name: "game-3" })).status).toBe(400);
    expect((await world.register({ name: "game-1" })).status).toBe(200);
    expect(world.roomIds).toEqual(["game-1", "game-2"]);
  });

  it("never gives out more places than there are, however many clients connect at once", async () => {
    const world = new TestWorld({ shardCapacity: 7, maxShards: 20 });
    const answers = await Promise.all(Array.from({ length: 200 }, () => world.connect("game-1")));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(140);
    expect(answers.filter(({ status }) => status === 404)).toHaveLength(60);
    expect(world.loads).toEqual(Array.from({ length: 20 }, () => 7));
    expect(world.host.assigned).toHaveLength(20);
  });

  it("waits for a shard that is being started, for each client that is sent there", async () => {
    const world = new TestWorld();
    const gate = Promise.withResolvers<void>();
    world.host.onCall = () => gate.promise;
    const answered: Answer[] = [];
    const clients = ["game-1", "game-1"].map(async (id) => void answered.push(await world.connect(id)));
    await vi.waitFor(() => expect(world.loads).toEqual([2]));
    // The World answers other requests meanwhile, long before these two.
    await world.ask("GET /registry", undefined, { auth: operator });
    expect(answered).toEqual([]);
    gate.resolve();
    await Promise.all(clients);
    expect(answered[0]?.body).toEqual(answered[1]?.body);
    expect(answered[0]?.status).toBe(200);
    expect(world.host.assigned).toHaveLength(1);
  });

  it("answers 503 if a shard cannot be started, and tries another one next time", async () => {
    const world = new TestWorld();
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const gate = Promise.withResolvers<void>();
    world.host.onCall = () => gate.promise;
    const clients = [world.connect("game-1"), world.connect("game-1")];
    await vi.waitFor(() => expect(world.loads).toEqual([2]));
    gate.reject(new Error("hunter2"));
    const answers = await Promise.all(clients);
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    expect(answers[0]?.body).toEqual({ error: "A shard could not be started. Try again" });
    expect(answers[0]?.headers.get("retry-after")).toBe("1");
    expect(error.mock.calls.map(([line]) => JSON.parse(line as string) as object)).toContainEqual(
      expect.objectContaining({ level: "error", event: "assign_failed", world: WORLD_ID }),
    );
    error.mockRestore();
    expect(world.shards).toEqual([]);
    world.host.onCall = () => {};
    const shardId = await world.enter("game-1");
    expect(world.host.retired).toEqual([world.host.assigned[0]?.shardId]);
    expect(world.host.retired).not.toContain(shardId);
    expect(world.host.assigned.map((assignment) => assignment.shardId)).toEqual([expect.any(String), shardId]);
  });

  it("does not give out a shard that was drained while it was started", async () => {
    const world = new TestWorld();
    const gate = Promise.withResolvers<void>();
    world.host.onCall = () => gate.promise;
    const client = world.connect("game-1");
    await vi.waitFor(() => expect(world.host.assigned).toHaveLength(1));
    const scaling = world.scale({ roomId: "game-1", targetShardCount: 0 });
    await vi.waitFor(() => expect(world.shards[0]?.info().status).toBe("draining"));
    // The shard is told to drain only after its assignment has arrived, because the two calls might overtake each
    // other.
    // other.
    await world.ask("GET /registry", undefined, { auth: operator });
    expect(world.host.assigned).toHaveLength(1);
    gate.resolve();
    expect((await client).status).toBe(503);
    expect((await scaling).body).toEqual({ success: true, shards: [] });
    expect(world.host.assigned.map(({ draining }) => draining)).toEqual([false, true]);
  });
});

describe("the rate of connects", () => {
  const from = (address: string) => ({ headers: { "cf-connecting-ip": address } });

  it("is limited for each address, and recovers", async () => {
    const world = new TestWorld({ connectRate: { requests: 3, per: 3000 } });
    for (let time = 0; time < 3; time++) await world.enter("game-1", from("192.0.2.1"));
    const refused = await world.connect("game-1", from("192.0.2.1"));
    expect(refused).toMatchObject({ status: 429, body: { error: expect.any(String) } });
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(world.loads).toEqual([3]);
    expect((await world.connect("game-1", from("192.0.2.2"))).status).toBe(200);
    await world.room.advance(2000);
    expect((await world.connect("game-1", from("192.0.2.1"))).status).toBe(200);
  });

  it("does not limit clients whose address is unknown, for example if a header is removed on the way", async () => {
    const world = new TestWorld({ connectRate: { requests: 3, per: 3000 } });
    for (let time = 0; time < 10; time++) expect((await world.connect("game-1")).status).toBe(200);
    expect((await world.connect("game-1", from("192.0.2.1"))).status).toBe(200);
  });

  it("does not recover through refused requests, however many", async () => {
    const world = new TestWorld({ connectRate: { requests: 3, per: 3000 } });
    for (let time = 0; time < 500; time++) await world.connect("game-1", from("192.0.2.1"));
    await world.room.advance(2000);
    expect((await world.connect("game-1", from("192.0.2.1"))).status).toBe(200);
  });

  it("counts the addresses of one IPv6 network together", async () => {
    const world = new TestWorld({ connectRate: { requests: 2, per: 10_000 } });
    const ask = async (address: string) => (await world.connect("game-1", from(address))).status;
    expect(await ask("2001:db8:0:1::1")).toBe(200);
    expect(await ask("2001:DB8::1:aaaa:bbbb:cccc:dddd")).toBe(200);
    expect(await ask("2001:0db8:0000:0001:5::")).toBe(429);
    expect(await ask("2001:db8:0:2::1")).toBe(200);
    expect(await ask("2001:db8::1")).toBe(200);
  });

  it("does not apply to requests without an address, from the service itself", async () => {
    const world = new TestWorld({ connectRate: { requests: 1, per: 10_000 } });
    for (let time = 0; time < 5; time++) expect((await world.connect("game-1")).status).toBe(200);
  });
});

describe("register-room", () => {
  it("adds a room with its shards", async () => {
    const world = new TestWorld();
    const { status, body } = await world.register({
      name: "game-1",
      minShards: 2,
      maxShards: 3,
      maxPlayersPerShard: 4,
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ success: true, shards: world.shards.map((shard) => shard.info().id) });
    expect(world.host.assigned).toMatchObject([{ roomId: "game-1", capacity: 4 }, { capacity: 4 }]);
    for (let client = 0; client < 12; client++) await world.enter("game-1");
    expect((await world.connect("game-1")).status).toBe(404);
    expect(world.loads).toEqual([4, 4, 4]);
  });

  it("changes an existing room, and keeps its shards", async () => {
    const world = new TestWorld();
    const shardId = await world.enter("game-1");
    await world.register({ name: "game-1", minShards: 2, maxPlayersPerShard: 4 });
    expect(world.roomIds).toEqual(["game-1"]);
    expect(world.shards.map((shard) => shard.info().capacity).toSorted((a, b) => a - b)).toEqual([4, 75]);
    expect(world.shard(shardId).info().status).toBe("active");
    await world.register({ name: "game-1", minShards: 1 });
    expect(world.shards).toHaveLength(2);
  });

  it.each([
    ["no JSON", "{"],
    ["no name", { name: undefined }],
    ["an unknown strategy", { balancingStrategy: "fair" }],
    ["no capacity", { maxPlayersPerShard: 0 }],
    ["more sockets than an object can hold", { maxPlayersPerShard: 40_000 }],
    ["half a shard", { minShards: 0.5 }],
    ["a text", { public: "yes" }],
    ["more shards than the service allows", { maxShards: 101 }],
    ["a name that no definition has", { name: "lobby-1" }],
  ])("answers 400 to %s", async (_, config) => {
    const world = new TestWorld();
    const answer =
      typeof config === "string"
        ? await world.ask("POST /register-room", config, { auth: operator })
        : await world.register({ name: "game-1", ...config });
    expect(answer.status).toBe(400);
    expect(answer.body["error"]).toBe("Invalid room configuration");
    expect(answer.body["details"]).toMatchObject([{ path: expect.any(Array), message: expect.any(String) }]);
    expect(world.roomIds).toEqual([]);
  });

  it("answers 400 if the minimum number of shards is above the maximum", async () => {
    const world = new TestWorld({ maxShards: 5 });
    for (const config of [{ minShards: 3, maxShards: 2 }, { minShards: 6 }]) {
      const answer = await world.register({ name: "game-1", ...config });
      expect(answer).toMatchObject({ status: 400, body: { error: expect.stringContaining("minShards") } });
    }
    expect(world.roomIds).toEqual([]);
  });

  it("answers 503 if a shard cannot be started, and adds it next time", async () => {
    const world = new TestWorld();
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    let calls = 0;
    world.host.onCall = () => (calls++ === 1 ? Promise.reject(new Error("no")) : undefined);
    expect((await world.register({ name: "game-1", minShards: 3 })).status).toBe(503);
    error.mockRestore();
    expect(world.shards).toHaveLength(2);
    expect((await world.register({ name: "game-1", minShards: 3 })).body["shards"]).toHaveLength(3);
  });
});

describe("scale-room", () => {
  it("adds shards, with a capacity of their own on request", async () => {
    const world = new TestWorld();
    await world.register({ name: "game-1", minShards: 1, maxShards: 4 });
    const template = { maxConnections: 3, urlTemplate: "ignored" };
    const { status, body } = await world.scale({ roomId: "game-1", targetShardCount: 3, shardTemplate: template });
    expect(status).toBe(200);
    expect(body).toEqual({ success: true, shards: world.shards.map((shard) => shard.info().id) });
    expect(world.host.assigned.map(({ capacity }) => capacity)).toEqual([10, 3, 3]);
  });

  it("drains the emptiest excess shards, and tells them", async () => {
    const world = new TestWorld();
    const { body } = await world.register({ name: "game-1", minShards: 3 });
    const [one = "", two = "", three = ""] = body["shards"] as string[];
    await world.report(one, 2);
    await world.report(two, 5);
    await world.report(three, 1);
    expect((await world.scale({ roomId: "game-1", targetShardCount: 1 })).body).toEqual({
      success: true,
      shards: [two],
    });
    expect(world.host.assigned.slice(3)).toMatchObject([
      { shardId: three, draining: true },
      { shardId: one, draining: true },
    ]);
    for (let client = 0; client < 5; client++) expect(await world.enter("game-1")).toBe(two);
  });

  it("refuses an unknown room, a malformed body, and more shards than allowed", async () => {
    const world = new TestWorld();
    await world.register({ name: "game-1", maxShards: 4 });
    expect((await world.scale({ roomId: "game-2", targetShardCount: 1 })).status).toBe(404);
    expect(await world.scale({ roomId: "game-1", targetShardCount: 5 })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining("up to 4 shards") },
    });
    for (const body of [{}, { roomId: "game-1" }, { roomId: "game-1", targetShardCount: -1 }]) {
      expect((await world.scale(body)).status).toBe(400);
    }
    expect(world.shards).toEqual([]);
  });
});

describe("update-shard", () => {
  it("stores what a shard reports", async () => {
    const world = new TestWorld();
    const shardId = await world.enter("game-1");
    await world.room.advance(5000);
    expect(await world.report(shardId, 12)).toMatchObject({ status: 200, body: { success: true } });
    const shard = world.shard(shardId);
    expect([shard.info().connections, shard.info().status, shard.info().reportedAt]).toEqual([12, "active", world.now]);
  });

  it("refuses an unknown shard, one of another World, and a malformed body", async () => {
    const world = new TestWorld();
    const shardId = await world.enter("game-1");
    for (const id of ["nobody", "__proto__", "constructor"]) expect((await world.report(id, 1)).status).toBe(404);
    expect((await world.report(shardId, 1, { worldId: "other" })).status).toBe(400);
    expect((await world.report(shardId, 1, { worldId: undefined })).status).toBe(200);
    for (const bad of [
      { connections: -1 },
      { connections: "1" },
      { status: "gone" },
      { arrivals: 0.5 },
      { shardId: 1 },
    ]) {
      expect((await world.report(shardId, 7, bad)).status).toBe(400);
    }
    expect(world.shard(shardId).info().connections).toBe(1);
  });
});

describe("other requests", () => {
  it("are refused", async () => {
    const world = new TestWorld({}, [game]);
    expect((await world.ask("GET /connect")).status).toBe(405);
    expect((await world.ask("POST /nothing")).status).toBe(404);
    expect((await world.ask("GET /registry", undefined, { auth: player })).status).toBe(403);
  });
});
