import { describe, expect, it } from "vitest";
import { checkWorldConfig } from "../../src/world/settings.ts";
import type { WorldConfig } from "../../src/world/settings.ts";

describe("the configuration of a World", () => {
  it("has a default for each option", () => {
    expect(checkWorldConfig({ maxRooms: undefined })).toEqual({
      shardCapacity: 75,
      balancing: "round-robin",
      maxRooms: 10_000,
      maxShards: 100,
      connectRate: { requests: 60, per: 10_000 },
      roomIdle: 300_000,
    });
    expect(checkWorldConfig({ shardCapacity: 5, balancing: "nearest" })).toMatchObject({
      shardCapacity: 5,
      balancing: "nearest",
      maxShards: 100,
    });
  });

  it.each([
    [{ shards: 3 }, 'createRooms: there is no option "world.shards". Known: ids, shardCapacity, '],
    [{ constructor: 3 }, 'createRooms: there is no option "world.constructor"'],
    [{ shardCapacity: 0 }, "createRooms: world.shardCapacity has to be a whole number from 1 to 32768"],
    [{ shardCapacity: "75" }, "createRooms: world.shardCapacity has to be a whole number"],
    [{ balancing: "fair" }, "createRooms: world.balancing has to be one of round-robin, least-connections, random"],
    [{ maxRooms: 1.5 }, "createRooms: world.maxRooms has to be a whole number from 1"],
    [{ maxShards: Number.NaN }, "createRooms: world.maxShards has to be a whole number from 1 to 1000"],
    [{ roomIdle: -1 }, "createRooms: world.roomIdle has to be a whole number from 1000"],
    [{ connectRate: 60 }, "createRooms: world.connectRate has to be an object, such as { requests: 60, per: 10000 }"],
    [{ connectRate: { requests: 0, per: 1 } }, "createRooms: world.connectRate.requests has to be a whole number"],
    [{ connectRate: { requests: 1 } }, "createRooms: world.connectRate.per has to be a whole number"],
    [{ connectRate: { requests: 1, per: 1, burst: 2 } }, 'createRooms: world.connectRate has no "burst"'],
    [[], "createRooms: world has to be an object"],
    [null, "createRooms: world has to be an object"],
  ])("%j is refused, with what to write", (config, message) => {
    expect(() => checkWorldConfig(config as WorldConfig)).toThrow(message);
  });
});
