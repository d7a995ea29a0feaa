import { describe, expect, it } from "vitest";
import { operator, TestWorld } from "./support.ts";

/** An error that the platform throws instead of an answer. */
const platformError = (flags: { retryable?: true; overloaded?: true }) =>
  Object.assign(new Error("internal error"), flags);

/** Counts how many calls a World makes at the same time. Each call takes a second. */
function slowly(world: TestWorld) {
  const calls = { now: 0, most: 0, all: 0 };
  world.host.onCall = async () => {
    calls.all++;
    calls.most = Math.max(calls.most, ++calls.now);
    await new Promise<void>((resolve) => world.room.clock.after(1000, resolve));
    calls.now--;
  };
  return calls;
}

/** Waits for an answer while time passes. */
async function meanwhile<T>(world: TestWorld, pending: Promise<T>): Promise<T> {
  const progress = { isDone: false };
  void pending.finally(() => (progress.isDone = true));
  while (!progress.isDone) {
    await world.room.advance(50);
    // Let all promises settle before the time advances further.
    await scheduler.wait(0);
  }
  return pending;
}

describe("a World that starts and retires many shards", () => {
  it("makes at most 20 calls at the same time when it registers a room, and when it scales one", async () => {
    const world = new TestWorld({ maxShards: 200 });
    const calls = slowly(world);
    await meanwhile(world, world.register({ name: "game-1", minShards: 90 }));
    expect(calls).toEqual({ now: 0, most: 20, all: 90 });
    await meanwhile(world, world.scale({ roomId: "game-1", targetShardCount: 150 }));
    expect(calls).toEqual({ now: 0, most: 20, all: 150 });
    await meanwhile(world, world.scale({ roomId: "game-1", targetShardCount: 50 }));
    expect(calls).toEqual({ now: 0, most: 20, all: 250 });
  });

  it("makes at most 20 calls at the same time when a client starts a room with many shards", async () => {
    const world = new TestWorld();
    await world.register({ name: "game-1", minShards: 50 });
    for (const shard of world.shards) await world.report(shard.info().id, 0, { status: "draining" });
    const calls = slowly(world);
    await meanwhile(world, world.enter("game-1"));
    await world.room.advance(20_000);
    expect(calls.most).toBe(20);
  });

  it("makes at most 20 calls at the same time when it retires empty shards", async () => {
    const world = new TestWorld({ maxShards: 200 });
    await world.register({ name: "game-1", minShards: 70 });
    const calls = slowly(world);
    await meanwhile(world, world.scale({ roomId: "game-1", targetShardCount: 0 }));
    expect(calls).toEqual({ now: 0, most: 20, all: 70 });
  });

  it("makes at most 20 calls at the same time when a sweep removes lost shards", async () => {
    const world = new TestWorld({ maxShards: 200 });
    await world.register({ name: "game-1", minShards: 70 });
    const calls = slowly(world);
    // These shards never report, so they count as lost after five minutes.
    await meanwhile(world, world.room.advance(360_000));
    await meanwhile(world, world.ask("GET /registry", undefined, { auth: operator }));
    expect(calls.most).toBe(20);
    expect(new Set(world.host.retired).size).toBe(70);
  });
});

describe("a call that the platform did not deliver", () => {
  const failing = (error: Error, times: number) => {
    const world = new TestWorld();
    let left = times;
    world.host.onCall = () => {
      if (left-- > 0) throw error;
    };
    return world;
  };

  it("is repeated if the platform recommends it: the client gets its shard", async () => {
    const world = failing(platformError({ retryable: true }), 2);
    const { status } = await meanwhile(world, world.connect("game-1"));
    expect(status).toBe(200);
    expect(world.host.assigned).toHaveLength(3);
    expect(world.host.retired).toEqual([]);
  });

  it("is repeated for a few seconds: then the client is told to try again", async () => {
    const world = failing(platformError({ retryable: true }), Infinity);
    const began = world.now;
    const { status } = await meanwhile(world, world.connect("game-1"));
    expect(status).toBe(503);
    expect(world.now - began).toBeLessThan(6000);
    expect(world.shards).toEqual([]);
  });

  it.each([
    ["the object is overloaded", platformError({ retryable: true, overloaded: true })],
    ["it is an error of the object itself", new Error("a bug")],
  ])("is not repeated if %s", async (_, error) => {
    const world = failing(error, 1);
    expect((await meanwhile(world, world.connect("game-1"))).status).toBe(503);
    expect(world.host.assigned).toHaveLength(1);
  });

  it("is repeated when a shard is retired", async () => {
    const world = new TestWorld();
    const shard = await world.enter("game-1");
    await world.report(shard, 0, { arrivals: 1 });
    let left = 2;
    world.host.onCall = () => {
      if (left-- > 0) throw platformError({ retryable: true });
    };
    await world.report(shard, 0, { status: "draining", arrivals: 1 });
    const ended = async () => {
      while (world.host.retired.length < 3) await scheduler.wait(0);
    };
    await meanwhile(world, ended());
    expect(world.host.retired).toEqual([shard, shard, shard]);
  });
});
