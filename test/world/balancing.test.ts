import { describe, expect, it } from "vitest";
import { countOf, TestWorld } from "./support.ts";

async function worldOf(
  balancingStrategy: string,
  shards: number,
  maxPlayersPerShard = 10,
): Promise<[TestWorld, string[]]> {
  const world = new TestWorld();
  const limits = { minShards: shards, maxShards: shards, maxPlayersPerShard };
  const { body } = await world.register({ name: "game-1", balancingStrategy, ...limits });
  return [world, body["shards"] as string[]];
}

async function enterMany(world: TestWorld, count: number): Promise<string[]> {
  const entered: string[] = [];
  for (let client = 0; client < count; client++) entered.push(await world.enter("game-1"));
  return entered;
}

describe("round-robin", () => {
  it("rotates, whatever the load of the shards", async () => {
    const [world, ids] = await worldOf("round-robin", 3);
    await world.report(ids[0] as string, 5);
    expect(await enterMany(world, 6)).toEqual([...ids, ...ids]);
  });

  it("remembers its position for each room, through evictions and crashes", async () => {
    const [world, ids] = await worldOf("round-robin", 3);
    await world.register({ name: "game-2", minShards: 2 });
    await enterMany(world, 1);
    await world.enter("game-2");
    await world.evict();
    expect(await enterMany(world, 1)).toEqual([ids[1]]);
    await world.enter("game-2");
    world.crash();
    expect(await enterMany(world, 2)).toEqual([ids[2], ids[0]]);
  });

  it("skips full shards", async () => {
    const [world, ids] = await worldOf("round-robin", 3, 2);
    await world.report(ids[1] as string, 2);
    expect(await enterMany(world, 4)).toEqual([ids[0], ids[2], ids[0], ids[2]]);
    expect((await world.connect("game-1")).status).toBe(404);
  });
});

describe("least-connections", () => {
  it("takes the emptiest shard, counting reservations", async () => {
    const [world, [one = "", two = "", three = ""]] = await worldOf("least-connections", 3);
    await world.report(one, 4);
    await world.report(two, 1);
    await world.report(three, 2);
    expect(await enterMany(world, 3)).toEqual([two, three, two]);
    expect(countOf(await enterMany(world, 4))).toEqual([1, 1, 2]);
    expect(world.loads).toEqual([4, 5, 5]);
  });
});

describe("random", () => {
  it("takes any shard with a free place", async () => {
    const [world, ids] = await worldOf("random", 4, 2);
    const draws: string[] = [];
    for (const random of [0, 0.3, 0.6, 0.999]) {
      world.random = random;
      draws.push(...(await enterMany(world, 1)));
    }
    expect(draws).toEqual(ids);
    world.random = 0;
    expect(await enterMany(world, 4)).toEqual(ids);
    expect((await world.connect("game-1")).status).toBe(404);
  });
});

describe("nearest", () => {
  const paris = { cf: { continent: "EU", country: "FR", longitude: "2.35" } };
  const warsaw = { cf: { continent: "EU", country: "PL", longitude: "21" } };
  const tokyo = { cf: { continent: "AS", country: "JP", latitude: "35.7", longitude: "139.7" } };
  const boston = { cf: { continent: "NA", country: "US", longitude: "-71" } };

  it("makes a shard in the region of the first client", async () => {
    const world = new TestWorld({ balancing: "nearest" });
    await world.enter("game-1", tokyo);
    expect(world.host.hints).toEqual(["apac-ne"]);
  });

  it("prefers the same region, then a neighbouring one, and makes a new shard for a distant client", async () => {
    const world = new TestWorld({ balancing: "nearest", shardCapacity: 2 });
    const inParis = await world.enter("game-1", paris);
    expect(await world.enter("game-1", warsaw)).toBe(inParis);
    const inTokyo = await world.enter("game-1", tokyo);
    expect(inTokyo).not.toBe(inParis);
    // The shard in Paris is full, and the one in Tokyo is too far away.
    const inWarsaw = await world.enter("game-1", warsaw);
    expect([inParis, inTokyo]).not.toContain(inWarsaw);
    expect(await world.enter("game-1", paris)).toBe(inWarsaw);
    expect(await world.enter("game-1", tokyo)).toBe(inTokyo);
    expect(world.host.hints).toEqual(["weur", "apac-ne", "eeur"]);
  });

  it("makes no second shard for clients of regions where no objects run", async () => {
    const saoPaulo = { cf: { continent: "SA", country: "BR", longitude: "-46.6" } };
    const capeTown = { cf: { continent: "AF", country: "ZA", longitude: "18.4" } };
    const dubai = { cf: { continent: "AS", country: "AE", longitude: "55.3" } };
    const world = new TestWorld({ balancing: "nearest" });
    const inBoston = await world.enter("game-1", boston);
    expect(await world.enter("game-1", saoPaulo)).toBe(inBoston);
    const inParis = await world.enter("game-1", paris);
    expect(await world.enter("game-1", capeTown)).toBe(inParis);
    expect(await world.enter("game-1", dubai)).toBe(inParis);
    expect(world.host.hints).toEqual(["enam", "weur"]);
  });

  it("takes the nearest one if the room may have no more shards", async () => {
    const world = new TestWorld({ balancing: "nearest", maxShards: 2, shardCapacity: 2 });
    const inTokyo = await world.enter("game-1", tokyo);
    const inParis = await world.enter("game-1", paris);
    expect(await world.enter("game-1", boston)).toBe(inParis);
    expect(await world.enter("game-1", boston)).toBe(inTokyo);
    expect((await world.connect("game-1", boston)).status).toBe(404);
  });

  it("takes the emptiest one for a client without a known region", async () => {
    const world = new TestWorld({ balancing: "nearest" });
    const inTokyo = await world.enter("game-1", tokyo);
    const inParis = await world.enter("game-1", paris);
    await world.report(inTokyo, 5);
    expect(await world.enter("game-1")).toBe(inParis);
    expect(world.shards).toHaveLength(2);
  });

  it("remembers the region of a shard through a crash", async () => {
    const world = new TestWorld({ balancing: "nearest" });
    const inTokyo = await world.enter("game-1", tokyo);
    const inParis = await world.enter("game-1", paris);
    world.crash();
    expect(await world.enter("game-1", paris)).toBe(inParis);
    expect(await world.enter("game-1", tokyo)).toBe(inTokyo);
  });
});
