import fc from "fast-check";
import { expect, it } from "vitest";
import { KINDS, Scene, WHO } from "../support/overlaps.ts";
import type { Step } from "../support/overlaps.ts";

const step = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(fc.constantFrom(...KINDS), fc.nat(5)) },
  { weight: 6, arbitrary: fc.tuple(fc.constant("continue"), fc.nat(11)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("pass"), fc.nat(30_000)) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom("evict", "deploy", "crash", "fail"), fc.nat(5)) },
) as fc.Arbitrary<Step>;

const FOUND: [Step[]][] = [
  // A user arrived from another room while the room waited for them, and was shown as online.
  [
    [
      ["crash", 0],
      ["act", 0],
      ["board", 0],
      ["act", 0],
      ["continue", 0],
      ["continue", 0],
    ],
  ],
];

it("whatever overlaps in a room, clients see its state, its users have sessions, and acknowledged changes stay", async () => {
  let acks = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 50 }), async (steps) => {
      const scene = new Scene();
      for (const who of WHO.keys()) await scene.take(["come", who]);
      for (const each of steps) await scene.take(each);
      for (const seconds of [15, 60]) {
        await scene.settle(seconds);
        scene.check();
      }
      scene.checkStored();
      acks += scene.acked.size;
    }),
    { numRuns: 100, examples: FOUND },
  );
  expect(acks).toBeGreaterThan(50);
});
