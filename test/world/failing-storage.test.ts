import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Faults, QUOTA } from "../support/faults.ts";
import { TestWorld } from "./support.ts";

/** A World whose storage fails while the test wants it to. */
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

  it("retires the shards that a sweep removed though the next sweep cannot be stored, and plans it later", async () => {
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

type Step = { kind: "connect" | "report" | "drain" | "wait" | "fail"; pick: number };
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom("connect", "connect", "report", "report", "drain", "wait", "fail"),
  pick: fc.nat({ max: 1000 }),
});
/** The number of writes that fail next. */
const FAILING = [0, 1, 2, 5, Infinity];
const WAITS = [10, 1500, 20_000, 61_000];

it("whatever a World cannot store for a while: its assignments are stored in the end, and it sweeps", async () => {
  let failed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const world = new TestWorld({ shardCapacity: 2, maxShards: 3 });
      const faults = new Faults();
      faults.reach(world.room.storage);
      const known = () => world.shards.map((shard) => shard.info());
      for (const { kind, pick } of [...steps, { kind: "connect", pick: 0 }]) {
        const { id = "none", connections = 0 } = known()[pick % Math.max(known().length, 1)] ?? {};
        if (kind === "connect") await world.connect(`game-${pick % 2}`);
        if (kind === "report") await world.report(id, pick % 3);
        if (kind === "drain") await world.report(id, connections, { status: "draining" });
        if (kind === "wait") await world.room.advance(WAITS[pick % WAITS.length] as number);
        if (kind === "fail") faults.storage = FAILING[pick % FAILING.length] as number;
      }
      faults.end();
      failed += faults.count;
      // The shards continue to report.
      for (const { id } of known()) await world.report(id, 1);
      await world.room.advance(0);
      const before = known();
      expect(sweeps(world)).toBe(before.length > 0 ? 1 : 0);
      // After many failures, the World tries again within a minute.
      for (let round = 0; round < 2; round++) {
        for (const { id } of known()) await world.report(id, 1);
        for (let seconds = 0; seconds < 59; seconds++) await world.room.advance(1000);
      }
      world.crash();
      const after = known().map(({ id, roomId }) => `${roomId}/${id}`);
      for (const { id, roomId } of before) {
        if (!world.host.retired.includes(id)) expect(after).toContain(`${roomId}/${id}`);
      }
      for (const id of world.host.retired) expect(after.join()).not.toContain(id);
      if (after.length > 0) expect(world.room.alarmAt).toBeLessThan(Infinity);
    }),
    { numRuns: 200 },
  );
  expect(failed).toBeGreaterThan(100);
});
