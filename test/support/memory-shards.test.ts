import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { MemoryTree } from "./memory-shards.ts";

it("time advances after all promises of an event have settled, however many follow one another", async () => {
  const tree = new MemoryTree(defineRoom({ path: "r", state: () => ({}) }).compiled);
  let isSettled = false;
  const happen = async () => {
    for (let count = 0; count < 10_000; count++) await Promise.resolve();
    isSettled = true;
  };
  const seen: boolean[] = [];
  tree.clock.after(10, () => void happen());
  tree.clock.after(11, () => seen.push(isSettled));
  await tree.advance(20);
  expect(seen).toEqual([true]);
});
