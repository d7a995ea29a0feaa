import { expect, it } from "vitest";
import { ChannelSender } from "../../src/relay/reliable-channel.ts";
import type { Batch, Receipt } from "../../src/relay/messages.ts";
import { VirtualClock } from "../support/memory.ts";

const promises = () => new Promise((resolve) => setTimeout(resolve, 0));

it("a receiver that answers again is not given up while it catches up, however slowly", async () => {
  const clock = new VirtualClock();
  const arrived: number[] = [];
  let isSilent = false;
  let isDown = true;
  const lane = new ChannelSender<number>(clock, 30_000, {
    async send({ items }: Batch<number>): Promise<Receipt> {
      if (isDown) throw new Error("down");
      await new Promise<void>((resolve) => clock.after(2000, resolve));
      arrived.push(...items);
      return { verdict: "ok" };
    },
    weightOf: () => 1,
    onUnknown: () => {},
    onSilent: () => (isSilent = true),
  });
  const pass = async (ms: number) => {
    for (let time = 0; time < ms; time += 500) {
      clock.advance(500);
      await promises();
    }
  };
  for (let item = 0; item < 4; item++) {
    lane.push(item);
    clock.advance(5);
  }
  await promises();
  await pass(29_000);
  isDown = false;
  await pass(12_000);
  expect(isSilent).toBe(false);
  expect(arrived).toEqual([0, 1, 2, 3]);
  isDown = true;
  lane.push(4);
  await pass(35_000);
  expect(isSilent).toBe(true);
});

it.each([
  ["is called again at once, and later and later", {}, 6],
  ["is left alone for two seconds if it has too much to do", { overloaded: true }, 2],
])("a receiver that fails %s", async (_, flags, most) => {
  const clock = new VirtualClock();
  let calls = 0;
  const lane = new ChannelSender<number>(clock, 30_000, {
    send() {
      calls++;
      return Promise.reject(Object.assign(new Error("failed"), flags));
    },
    weightOf: () => 1,
    onUnknown: () => {},
    onSilent: () => {},
  });
  lane.push(1);
  for (let time = 0; time < 2200; time += 50) {
    clock.advance(50);
    await promises();
  }
  expect(calls).toBe(most);
});
