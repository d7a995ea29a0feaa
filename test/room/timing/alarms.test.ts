import { expect, it } from "vitest";
import { Alarms } from "../../../src/room/timing/alarms.ts";
import { VirtualClock } from "../../support/memory.ts";

it("an alarm that rings before the room has found its clients is not set for what it is going to run", async () => {
  const clock = new VirtualClock();
  const set: number[] = [];
  const alarms = new Alarms({ set: (at) => void set.push(at - clock.now()) }, clock, { failed: () => {} });
  const began = clock.now();
  let runs = 0;
  alarms.register({
    due: () => (runs === 0 ? began : began + 60_000),
    run: () => void runs++,
  });
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const ringing = alarms.ring(started);
  // As the room does when its shards have answered.
  alarms.armAll();
  expect(set).toEqual([]);
  start();
  await ringing;
  expect([runs, set]).toEqual([1, [60_000]]);
});
