import { runInDurableObject } from "cloudflare:test";
import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import type { RoomObjectBase } from "../../src/objects/room-object.ts";
import type { ShardObjectBase } from "../../src/objects/shard-object.ts";
import { sync } from "../../src/state/fields.ts";
import { shardStub, testRoom } from "../support/harness.ts";

const game = defineRoom({
  path: "calls-{id}",
  throttleStorage: 3_600_000,
  state: () => ({ count: sync(signal(0)) }),
  requests: { "POST /count": { run: ({ state }) => state.count.set(7) } },
});

/** The part of an object that the test needs. */
interface Inside {
  reach(why: string, call: () => Promise<void>): Promise<void>;
  alarm(): Promise<void>;
}

/** The number of calls that the free plan allows between two events. */
const MOST = 1000;

/**
 * Lets an object make calls while it gets no events except its own alarms. The platform refuses calls beyond its limit.
 * @returns the number of refused calls, and how often the alarm rang
 */
function callAlone(object: RoomObjectBase | ShardObjectBase, calls: number) {
  const inside = object as unknown as Inside;
  const seen = { refused: 0, alarms: 0 };
  let left = MOST;
  const ring = inside.alarm.bind(inside);
  inside.alarm = () => {
    left = MOST;
    seen.alarms++;
    return ring();
  };
  const call = async () => {
    if (left-- > 0) return;
    seen.refused++;
    throw new Error("Too many subrequests by single Worker invocation.");
  };
  return (async () => {
    for (let made = 0; made < calls; made++) {
      await inside.reach("test", call).catch(() => {});
      // About a thousand calls per second, which is the most that an object makes.
      if (made % 10 === 9) await scheduler.wait(10);
    }
    return seen;
  })();
}

describe("an object that makes thousands of calls without an event", () => {
  it("has no call refused: a room rings its own alarm before the platform would refuse one", async () => {
    const room = testRoom(game, "calls-1");
    await (await room.fetch("/none")).text();
    const seen = await runInDurableObject(room.stub as DurableObjectStub<RoomObjectBase>, (object) =>
      callAlone(object, 2500),
    );
    expect(seen.refused).toBe(0);
    // Each alarm costs rows, so it should not ring more often than necessary.
    expect(seen.alarms).toBeGreaterThanOrEqual(3);
    expect(seen.alarms).toBeLessThanOrEqual(6);
  });

  it("does not save for such an alarm, and the alarm rings again when the room is due", async () => {
    const room = testRoom(game, "calls-4");
    await room.fetch("/count", { method: "POST" });
    await runInDurableObject(room.stub as DurableObjectStub<RoomObjectBase>, async (object, { storage }) => {
      const due = await storage.getAlarm();
      expect(due).toBeGreaterThan(Date.now() + 3_000_000);
      const { alarms, refused } = await callAlone(object, 1500);
      expect([alarms > 0, refused]).toEqual([true, 0]);
      expect([...storage.kv.list()].map(([key]) => key)).toEqual(["$name"]);
      expect(await storage.getAlarm()).toBe(due);
    });
  });

  it("has no call refused at a shard either", async () => {
    const shardId = await testRoom(game, "calls-2").shard();
    const seen = await runInDurableObject(shardStub(shardId), (object) => callAlone(object, 1500));
    expect(seen.refused).toBe(0);
    expect(seen.alarms).toBeGreaterThan(0);
  });

  it("sets no alarm if there are events", async () => {
    const room = testRoom(game, "calls-3");
    await (await room.fetch("/none")).text();
    await runInDurableObject(room.stub as DurableObjectStub<RoomObjectBase>, async (object, { storage }) => {
      for (let event = 0; event < 5; event++) {
        for (let made = 0; made < 300; made++) await (object as unknown as Inside).reach("test", async () => {});
        await object.relay({ shardId: "none", run: "none", life: "none", seq: 1, base: 1, items: [] });
      }
      expect(await storage.getAlarm()).toBeNull();
    });
  });
});
