import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { Alarms } from "../../../src/room/timing/alarms.ts";
import { users } from "../../../src/app/users.ts";
import { sync } from "../../../src/state/fields.ts";
import { MemoryRoom, VirtualClock } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

it("an alarm that rings before the room has found its clients is not set for what it is about to run", async () => {
  const clock = new VirtualClock();
  const set: number[] = [];
  const alarms = new Alarms({ set: (at) => void set.push(at - clock.now()) }, clock, { failed: () => {} }, true);
  const began = clock.now();
  let runs = 0;
  alarms.register({
    due: () => (runs === 0 ? began : began + 60_000),
    run: () => void runs++,
  });
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const ringing = alarms.ring(started);
  // The room does this when its shards have answered.
  alarms.armAll();
  expect(set).toEqual([]);
  start();
  await ringing;
  expect([runs, set]).toEqual([1, [60_000]]);
});

describe("a change in a room", () => {
  class Player {
    x = sync(signal(0));
  }
  const { compiled } = defineRoom({
    path: "r",
    sessionExpiryTime: 3_000_000,
    state: () => ({ count: sync(signal(0)), players: users(Player) }),
    schedules: { later: { run() {} } },
  });
  interface State {
    readonly count: { (): number; set(count: number): void };
  }
  /** How often the alarm was set during 20 changes, and the stored value of the last one. */
  async function play(prepare: (room: MemoryRoom<State>, other: MemorySocket) => void, every: number) {
    const room = new MemoryRoom<State>(compiled);
    await room.connect("a");
    prepare(room, await room.connect("b"));
    await room.advance(60_000);
    const before = room.alarmsSet;
    for (let count = 1; count <= 20; count++) {
      room.change((state) => state.count.set(count));
      await room.advance(every);
    }
    await room.advance(3000);
    return { alarms: room.alarmsSet - before, stored: room.storage.get(".") };
  }
  const stored = { count: 20 };

  it.each<[string, (room: MemoryRoom<State>, other: MemorySocket) => void]>([
    ["somebody is away", (room, other) => room.disconnect(other)],
    ["something is scheduled", (room) => room.core.handle.schedule("later", 3_000_000)],
  ])("sets no alarm if one is set for later, since %s", async (_, prepare) => {
    expect(await play(prepare, 20_000)).toEqual({ alarms: 0, stored });
    expect(await play(prepare, 300)).toEqual({ alarms: 0, stored });
  });

  it("sets at most one for each window of the throttle", async () => {
    expect(await play(() => {}, 20_000)).toEqual({ alarms: 20, stored });
    const { alarms, ...rest } = await play(() => {}, 300);
    expect(rest).toEqual({ stored });
    expect(alarms).toBeLessThanOrEqual(7);
  });
});
