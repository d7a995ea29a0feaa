import { computed, effect, signal } from "@signe/reactive";
import type { WritableSignal } from "@signe/reactive";
import fc from "fast-check";
import { expect, it } from "vitest";
import { sync } from "../../src/state/fields.ts";
import { Tree } from "../../src/state/tree.ts";

type Step = "set" | "freeze" | "unfreeze" | "subscribe" | "unsubscribe" | "compute" | "run";
const STEPS: readonly Step[] = ["set", "freeze", "unfreeze", "subscribe", "unsubscribe", "compute", "run"];

/** What everything that observes a signal notices, while these steps are taken. */
function noticed(target: WritableSignal<number>, steps: readonly Step[]): unknown[] {
  const seen: unknown[] = [];
  const subscriptions: { unsubscribe(): void }[] = [];
  const doubles: (() => number)[] = [];
  for (const [index, step] of steps.entries()) {
    if (step === "set") target.set(index);
    else if (step === "freeze") target.freeze();
    else if (step === "unfreeze") target.unfreeze();
    else if (step === "subscribe")
      subscriptions.push(target.observable.subscribe((value) => seen.push(["subscribed", index, value])));
    else if (step === "unsubscribe") subscriptions.pop()?.unsubscribe();
    else if (step === "compute") doubles.push(computed(() => target() * 2));
    else subscriptions.push(effect(() => void seen.push(["effect", index, target()])).subscription);
    seen.push(doubles.map((double) => double()));
  }
  return seen;
}

it("a signal of the state can be observed like any other, also while it is frozen", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...STEPS), { maxLength: 20 }), (steps) => {
      const state = { count: sync(signal(0)) };
      new Tree(state).settle();
      expect(noticed(state.count, steps)).toEqual(noticed(signal(0), steps));
    }),
    { numRuns: 500 },
  );
});

it("an array and an object of the state report their own changes to what observes them", () => {
  const state = { list: sync(signal([1])), map: sync(signal<Record<string, number>>({})) };
  new Tree(state).settle();
  const lengths: number[] = [];
  const keys: string[][] = [];
  const running = [
    effect(() => void lengths.push(state.list().length)),
    effect(() => void keys.push(Object.keys(state.map()))),
  ];
  state.list().push(2);
  state.map()["a"] = 1;
  state.list.freeze();
  state.list().push(3);
  expect(lengths).toEqual([1, 2]);
  state.list.unfreeze();
  expect(lengths).toEqual([1, 2, 3]);
  expect(keys).toEqual([[], ["a"]]);
  for (const { subscription } of running) subscription.unsubscribe();
  state.list().push(4);
  expect(lengths).toHaveLength(3);
});
