import { expect, it } from "vitest";
import { Awake } from "../../src/objects/awake.ts";
import { VirtualClock } from "../support/memory.ts";

it("counts time once, however many reasons there are", () => {
  const clock = new VirtualClock();
  const awake = new Awake(clock);
  const start = clock.now();
  clock.advance(100);
  const end = awake.begin("socket");
  clock.advance(10);
  const other = awake.begin("socket");
  expect(awake.reasons).toEqual([
    { why: "socket", since: start + 100 },
    { why: "socket", since: start + 110 },
  ]);
  clock.advance(10);
  end();
  end();
  clock.advance(10);
  expect(awake.ms).toBe(30);
  expect(awake.reasons).toEqual([{ why: "socket", since: start + 110 }]);
  other();
  clock.advance(100);
  expect([awake.ms, awake.reasons]).toEqual([30, []]);
});

it("counts timers as reasons until they ran or were cancelled", () => {
  const clock = new VirtualClock();
  const awake = new Awake(clock);
  let ran = 0;
  awake.clock.after(50, () => ran++, "tick");
  const cancel = awake.clock.after(500, () => ran++);
  expect(awake.reasons.map(({ why }) => why)).toEqual(["tick", "timer"]);
  clock.advance(60);
  expect(awake.reasons.map(({ why }) => why)).toEqual(["timer"]);
  cancel();
  clock.advance(1000);
  expect([ran, awake.ms, awake.reasons]).toEqual([1, 60, []]);
});

it("counts pending promises as reasons, also if they reject", async () => {
  const clock = new VirtualClock();
  const awake = new Awake(clock);
  const { promise, reject } = Promise.withResolvers<void>();
  const waiting = awake.during("request", promise);
  clock.advance(5);
  expect(awake.reasons).toMatchObject([{ why: "request" }]);
  reject(new Error("no"));
  await expect(waiting).rejects.toThrow("no");
  expect([awake.ms, awake.reasons]).toEqual([5, []]);
});
