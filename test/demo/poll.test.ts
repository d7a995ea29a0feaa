import { expect, it } from "vitest";
import { Poll } from "../../src/demo/page/poll.ts";
import { VirtualClock } from "../support/memory.ts";

const HOUR = 3_600_000;

function start() {
  const clock = new VirtualClock();
  const asked: number[] = [];
  const state: { answer: unknown } = { answer: ["1 of 4"] };
  const poll = new Poll(async () => {
    asked.push(clock.now());
    return state.answer;
  }, clock);
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 1000) {
      clock.advance(Math.min(left, 1000));
      await scheduler.wait(0);
    }
    return asked.splice(0).length;
  };
  poll.start();
  return { poll, state, pass };
}

it("a page that is open for an hour polls twice while nothing changes", async () => {
  const { pass } = start();
  expect(await pass(2999)).toBe(1);
  expect(await pass(HOUR / 10)).toBe(1);
});

it("it polls every 30 seconds while something changes", async () => {
  const { state, pass } = start();
  let count = 1;
  Object.defineProperty(state, "answer", { get: () => [`${++count} of 4`] });
  expect(await pass(5000)).toBe(2);
  for (let times = 0; times < 5; times++) expect(await pass(30_000)).toBe(1);
});

it("it polls when a user comes or goes, at most every 30 seconds", async () => {
  const { poll, pass } = start();
  expect(await pass(4000)).toBe(2);
  let asked = 0;
  for (let seconds = 0; seconds < 90; seconds++) {
    poll.changed();
    asked += await pass(1000);
  }
  expect(asked).toBe(3);
  poll.stop();
  expect(await pass(HOUR / 10)).toBe(0);
});
