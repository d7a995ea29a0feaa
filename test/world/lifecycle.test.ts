import { describe, expect, it, vi } from "vitest";
import { MOST_REMOVED } from "../../src/world/sweep.ts";
import { pendingOf } from "../../src/world/state.ts";
import { operator, TestWorld } from "./support.ts";

const MINUTE = 60_000;
const waiting = (world: TestWorld, shardId: string) => pendingOf(world.shard(shardId), world.now).length;

describe("a reserved place", () => {
  it("is used by a new client, as the shard counts them", async () => {
    const world = new TestWorld({ shardCapacity: 10 });
    const shardId = await world.enter("game-1");
    for (let client = 0; client < 4; client++) await world.enter("game-1");
    await world.report(shardId, 2, { arrivals: 2 });
    expect(waiting(world, shardId)).toBe(3);
    // One client joined and one left: the number of connections is the same, but there is one more arrival.
    await world.report(shardId, 2, { arrivals: 3 });
    expect(waiting(world, shardId)).toBe(2);
    await world.report(shardId, 2, { arrivals: 3 });
    expect(waiting(world, shardId)).toBe(2);
    // The shard lost its memory, and starts to count again.
    await world.report(shardId, 1, { arrivals: 1 });
    expect(waiting(world, shardId)).toBe(1);
    await world.report(shardId, 9, { arrivals: 9 });
    expect(waiting(world, shardId)).toBe(0);
  });

  it("is used by an increase of connections if the shard does not count", async () => {
    const world = new TestWorld();
    const shardId = await world.enter("game-1");
    await world.enter("game-1");
    await world.report(shardId, 1);
    expect(waiting(world, shardId)).toBe(1);
    await world.report(shardId, 0);
    expect(waiting(world, shardId)).toBe(1);
    await world.report(shardId, 1);
    expect(waiting(world, shardId)).toBe(0);
  });

  it("is the oldest one that is used, so that the newest is kept longest", async () => {
    const world = new TestWorld({ shardCapacity: 2, maxShards: 1 });
    const shardId = await world.enter("game-1");
    await world.room.advance(20_000);
    await world.enter("game-1");
    await world.report(shardId, 1, { arrivals: 1 });
    await world.room.advance(15_000);
    expect((await world.connect("game-1")).status).toBe(404);
    await world.room.advance(15_000);
    expect((await world.connect("game-1")).status).toBe(200);
  });

  it("is free again after 30 seconds", async () => {
    const world = new TestWorld({ shardCapacity: 1, maxShards: 1 });
    const shardId = await world.enter("game-1");
    await world.room.advance(29_999);
    expect((await world.connect("game-1")).status).toBe(404);
    await world.room.advance(1);
    expect(await world.enter("game-1")).toBe(shardId);
  });
});

describe("a draining shard", () => {
  it("gets no new clients, and is removed when it is empty", async () => {
    const world = new TestWorld();
    const shardId = await world.enter("game-1");
    await world.report(shardId, 1, { status: "draining", arrivals: 1 });
    const other = await world.enter("game-1");
    expect(other).not.toBe(shardId);
    await world.room.advance(MINUTE);
    expect(world.host.retired).toEqual([]);
    await world.report(shardId, 0, { status: "draining", arrivals: 1 });
    await world.report(other, 1);
    await world.room.advance(MINUTE);
    expect(world.host.retired).toEqual([shardId]);
    expect(world.shards.map((shard) => shard.info().id)).toEqual([other]);
  });

  it("waits for clients with reservations", async () => {
    const world = new TestWorld();
    const shardId = await world.enter("game-1");
    await world.room.advance(50_000);
    await world.enter("game-1");
    await world.report(shardId, 0, { status: "draining" });
    await world.room.advance(10_000);
    expect(world.host.retired).toEqual([]);
    await world.room.advance(MINUTE);
    expect(world.host.retired).toEqual([shardId]);
  });

  it("is told about it, whoever drained it", async () => {
    const world = new TestWorld();
    const shardId = await world.enter("game-1");
    await world.report(shardId, 1, { status: "draining" });
    expect(world.host.assigned.at(-1)).toMatchObject({ shardId, draining: true });
    await world.report(shardId, 2, { status: "draining" });
    expect(world.host.assigned).toHaveLength(2);
  });

  it("is removed at once if it is empty: scaled down, drained by an operator, or with its own last report", async () => {
    const world = new TestWorld();
    await world.register({ name: "game-1", minShards: 3 });
    const [one = "", two = "", three = ""] = world.shards.map((shard) => shard.info().id);
    await world.report(three, 1);
    await world.scale({ roomId: "game-1", targetShardCount: 2 });
    expect(world.host.retired).toEqual([one]);
    await world.ask("POST /update-shard", { shardId: two, connections: 0, status: "draining" }, { auth: operator });
    expect(world.host.retired).toEqual([one, two]);
    await world.ask("POST /update-shard", { shardId: three, connections: 1, status: "draining" }, { auth: operator });
    expect(world.host.retired).toEqual([one, two]);
    await world.report(three, 0);
    expect(world.host.retired).toEqual([one, two, three]);
    expect(world.shards).toEqual([]);
    // Empty shards are removed without being told to drain first.
    expect(world.host.assigned.filter(({ draining }) => draining).map(({ shardId }) => shardId)).toEqual([three]);
  });

  it("becomes active again only by an operator, not by an earlier report", async () => {
    const world = new TestWorld();
    const shardId = await world.enter("game-1");
    await world.scale({ roomId: "game-1", targetShardCount: 0 });
    await world.report(shardId, 1, { status: "active" });
    expect(world.shard(shardId).info().status).toBe("draining");
    const body = { shardId, connections: 1, status: "active" };
    await world.ask("POST /update-shard", body, { auth: operator });
    expect(world.host.assigned.map(({ draining }) => draining)).toEqual([false, true, false]);
    expect(await world.enter("game-1")).toBe(shardId);
  });

  it("drains even if it cannot be told", async () => {
    const world = new TestWorld();
    const shardId = await world.enter("game-1");
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    world.host.onCall = () => Promise.reject(new Error("away"));
    expect((await world.scale({ roomId: "game-1", targetShardCount: 0 })).status).toBe(200);
    await world.room.advance(MINUTE);
    expect(error.mock.calls.map(([line]) => (JSON.parse(line as string) as { event: string }).event)).toEqual([
      "assign_failed",
      "retire_failed",
    ]);
    error.mockRestore();
    expect(world.host.retired).toEqual([shardId]);
    expect(world.shards).toEqual([]);
  });
});

describe("a shard in maintenance", () => {
  it("gets no new clients, keeps those it has, and stays when it is empty, until it is active again", async () => {
    const world = new TestWorld();
    const shardId = await world.enter("game-1");
    const status = (to: string, connections: number) =>
      world.ask("POST /update-shard", { shardId, connections, status: to }, { auth: operator });
    await status("maintenance", 1);
    expect(world.host.assigned.at(-1)).toMatchObject({ shardId, draining: true });
    const other = await world.enter("game-1");
    expect(other).not.toBe(shardId);
    for (let minute = 0; minute < 10; minute++) {
      await world.report(shardId, minute < 2 ? 1 : 0);
      await world.report(other, 1);
      await world.room.advance(MINUTE);
    }
    expect(world.host.retired).toEqual([]);
    expect(world.shard(shardId).info().status).toBe("maintenance");
    await status("active", 0);
    expect(world.host.assigned.at(-1)).toMatchObject({ shardId, draining: false });
    expect(await world.enter("game-1")).toBe(shardId);
  });
});

describe("the sweep", () => {
  it("removes a shard that was silent for five minutes, and no other", async () => {
    const world = new TestWorld();
    await world.register({ name: "game-1", minShards: 2 });
    const [silent = "", talking = ""] = world.shards.map((shard) => shard.info().id);
    await world.report(silent, 3);
    for (let minute = 0; minute < 4; minute++) {
      await world.room.advance(MINUTE);
      await world.report(talking, 0);
    }
    expect(world.host.retired).toEqual([]);
    await world.room.advance(MINUTE);
    expect(world.host.retired).toEqual([silent]);
    expect((await world.report(silent, 3)).status).toBe(404);
    expect(await world.enter("game-1")).toBe(talking);
  });

  it("removes a shard that was empty for long, but keeps the room's minimum", async () => {
    const world = new TestWorld({ roomIdle: 2 * MINUTE });
    await world.register({ name: "game-1", minShards: 1 });
    await world.scale({ roomId: "game-1", targetShardCount: 3 });
    const report = () => Promise.all(world.shards.map((shard) => world.report(shard.info().id, 0)));
    await world.room.advance(MINUTE);
    await report();
    expect(world.shards).toHaveLength(3);
    for (let minute = 0; minute < 10; minute++) {
      await world.room.advance(MINUTE);
      await report();
    }
    expect(world.shards).toHaveLength(1);
    expect(world.host.retired).toHaveLength(2);
  });

  it("keeps a shard that is used, and counts from when it became empty", async () => {
    const world = new TestWorld({ roomIdle: 2 * MINUTE });
    const shardId = await world.enter("game-1");
    for (let minute = 0; minute < 4; minute++) {
      await world.report(shardId, 1, { arrivals: 1 });
      await world.room.advance(MINUTE);
    }
    await world.report(shardId, 0, { arrivals: 1 });
    await world.room.advance(MINUTE);
    await world.report(shardId, 0, { arrivals: 1 });
    expect(world.shards).toHaveLength(1);
    await world.room.advance(MINUTE);
    expect(world.shards).toHaveLength(0);
  });

  it("removes a room that is not registered and not used; then there is no alarm", async () => {
    const world = new TestWorld();
    await world.enter("game-1");
    await world.register({ name: "game-2" });
    expect(world.room.alarmAt).toBeLessThan(Infinity);
    await world.room.advance(10 * MINUTE);
    expect(world.roomIds).toEqual(["game-2"]);
    expect(world.shards).toEqual([]);
    expect(world.room.alarmAt).toBe(Infinity);
    expect([...world.room.storage.rows.keys()].filter((key) => key.startsWith("shards."))).toEqual([]);
    expect((await world.connect("game-1", {}, false)).status).toBe(404);
    expect((await world.connect("game-2", {}, false)).status).toBe(200);
    expect(world.room.alarmAt).toBeLessThan(Infinity);
  });

  it("counts a room as used as long as its shard was", async () => {
    const world = new TestWorld({ roomIdle: 10 * MINUTE });
    const shardId = await world.enter("game-1");
    for (let minute = 0; minute < 8; minute++) {
      await world.room.advance(MINUTE);
      await world.report(shardId, 1);
    }
    await world.room.advance(6 * MINUTE);
    expect(world.shards).toEqual([]);
    expect(world.roomIds).toEqual(["game-1"]);
    await world.room.advance(5 * MINUTE);
    expect(world.roomIds).toEqual([]);
  });

  it("sets no alarm if there is nothing to remove", async () => {
    const world = new TestWorld();
    await world.connect("game-1", {}, false);
    await world.connect("vip-1");
    await world.register({ name: "game-2" });
    expect(world.room.alarmAt).toBe(Infinity);
  });

  it("continues after an eviction, and after a crash", async () => {
    const world = new TestWorld();
    const one = await world.enter("game-1");
    await world.evict();
    await world.room.advance(3 * MINUTE);
    world.crash();
    await world.room.advance(3 * MINUTE);
    expect(world.host.retired).toEqual([one]);
  });

  it("retires a limited number of shards at a time", async () => {
    const world = new TestWorld({ maxShards: MOST_REMOVED + 10 });
    await world.register({ name: "game-1", minShards: MOST_REMOVED + 10 });
    await world.room.advance(5 * MINUTE);
    expect(world.shards).toHaveLength(10);
    await world.room.advance(MINUTE);
    expect(world.shards).toHaveLength(0);
    expect(new Set(world.host.retired).size).toBe(MOST_REMOVED + 10);
  });
});

describe("a room that lost its shards", () => {
  it("gets its minimum again with the next client", async () => {
    const world = new TestWorld();
    await world.register({ name: "game-1", minShards: 3 });
    await world.room.advance(10 * MINUTE);
    expect(world.shards).toHaveLength(0);
    await world.enter("game-1");
    expect(world.shards).toHaveLength(3);
    await vi.waitFor(() => expect(world.shards.every((shard) => shard.ledger().isAssigned)).toBe(true));
  });
});

describe("an eviction or a crash", () => {
  it("loses nothing that was answered", async () => {
    const world = new TestWorld({ shardCapacity: 2, maxShards: 2 });
    await world.register({
      name: "game-2",
      minShards: 1,
      maxPlayersPerShard: 3,
      balancingStrategy: "least-connections",
    });
    const one = await world.enter("game-1");
    await world.enter("game-1");
    world.crash();
    const two = await world.enter("game-1");
    expect(two).not.toBe(one);
    await world.report(one, 2, { arrivals: 2 });
    world.crash();
    await world.enter("game-1");
    await world.evict();
    expect((await world.connect("game-1")).status).toBe(404);
    const { body } = await world.ask("GET /registry", undefined, { auth: operator });
    expect(body["rooms"]).toMatchObject([
      { id: "game-1", isRegistered: false },
      { id: "game-2", isRegistered: true, config: { balancingStrategy: "least-connections", maxPlayersPerShard: 3 } },
    ]);
    expect(world.shard(one).info().connections).toBe(2);
    expect(world.shards).toHaveLength(3);
  });

  it("between the registry and the shard is repaired by the next client", async () => {
    const world = new TestWorld();
    world.host.onCall = () => new Promise(() => {});
    void world.connect("game-1");
    await vi.waitFor(() => expect(world.host.assigned).toHaveLength(1));
    await world.evict();
    world.host.onCall = () => {};
    const shardId = await world.enter("game-1");
    // The World assigns the same shard again, because it does not know whether the first call arrived.
    expect(world.host.assigned.map((assignment) => assignment.shardId)).toEqual([shardId, shardId]);
    expect(world.shards).toHaveLength(1);
  });

  it("before anything was stored leaves nothing behind", async () => {
    const world = new TestWorld();
    // The World begins to monitor its shards. The first schedule is stored at once, and the state with it.
    await world.enter("game-2");
    world.host.onCall = () => new Promise(() => {});
    void world.connect("game-1");
    await vi.waitFor(() => expect(world.host.assigned).toHaveLength(2));
    world.crash();
    expect(world.shards).toHaveLength(1);
    world.host.onCall = () => {};
    expect(await world.enter("game-1")).not.toBe(world.host.assigned[1]?.shardId);
  });
});
