import { describe, expect, it } from "vitest";
import { QUOTA } from "../support/faults.ts";
import { TestWorld } from "./support.ts";

/** A World whose storage fails as long as it is told to. */
function failingWorld() {
  const world = new TestWorld({ roomIdle: 60_000 });
  let isFailing = false;
  world.room.storage.fault = () => {
    if (isFailing) throw new Error(QUOTA);
  };
  return Object.assign(world, { fail: (fails: boolean) => (isFailing = fails) });
}
const sweeps = ({ room }: TestWorld) => room.core.handle.schedules.filter(({ name }) => name === "sweep").length;

describe("a World that cannot store anything for a while", () => {
  it("gives out shards, and has stored them in the end", async () => {
    const world = failingWorld();
    world.fail(true);
    const shard = await world.enter("game-1");
    expect(world.host.assigned.map(({ shardId }) => shardId)).toEqual([shard]);
    world.fail(false);
    await world.room.advance(70_000);
    world.crash();
    expect(world.shard(shard).info().roomId).toBe("game-1");
  });

  it("sweeps again after that: the next report of a shard sets its alarm", async () => {
    const world = failingWorld();
    world.fail(true);
    const shard = await world.enter("game-1");
    expect(sweeps(world)).toBe(0);
    world.fail(false);
    await world.report(shard, 1);
    expect(sweeps(world)).toBe(1);
    expect(world.room.alarmAt).toBeLessThan(Infinity);
  });

  it("ends the shards that a sweep removed though the next sweep cannot be stored, and plans it later", async () => {
    const world = failingWorld();
    const [idle, used] = [await world.enter("game-1"), await world.enter("game-2")];
    await world.report(idle, 0);
    for (let minutes = 0; world.host.retired.length === 0 && minutes < 10; minutes++) {
      world.fail(false);
      await world.report(used, 1);
      world.fail(true);
      await world.room.advance(60_000);
    }
    expect(world.host.retired).toEqual([idle]);
    world.fail(false);
    await world.room.advance(70_000);
    expect(sweeps(world)).toBe(1);
  });
});
