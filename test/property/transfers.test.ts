import fc from "fast-check";
import { it } from "vitest";
import { Journey, TROUBLES } from "../support/journey.ts";
import type { Step } from "../support/journey.ts";

const number = fc.nat(5);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom("arrive"), number) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom("come", "go", "return"), number) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom("leave", "lose", "crash", "kill"), number) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom("fail"), fc.nat(3 * TROUBLES.length - 1)) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom("wait"), fc.nat(60)) },
) as fc.Arbitrary<Step>;
/** There, or there and back, with something else between any two steps: by chance alone, few get that far. */
const travels = fc
  .record({
    kind: fc.constantFrom("go", "return"),
    between: fc.array(fc.array(step, { maxLength: 1 }), { minLength: 6, maxLength: 6 }),
    after: fc.array(step, { maxLength: 20 }),
  })
  .map(({ kind, between, after }) => {
    const way = [
      [kind, 1],
      ["arrive", 0],
      ["arrive", 0],
      ["come", 0],
      ["arrive", 0],
      ["arrive", 0],
    ] as Step[];
    return way.flatMap((each, index) => (between[index] ?? []).concat([each])).concat(after);
  });
const steps = fc.oneof(fc.array(step, { maxLength: 40 }), travels);
/** Each of these was a user lost, or there twice. */
const BACK: Step[] = [
  ["return", 1],
  ["arrive", 0],
  ["arrive", 0],
];
const FOUND: [boolean[], Step[], boolean][] = [
  [
    [false, false],
    [
      ["return", 1],
      ["arrive", 0],
      ["arrive", 0],
      ["come", 0],
      ["arrive", 0],
      ["kill", 0],
    ],
    false,
  ],
  [
    [false, false],
    [
      ["go", 1],
      ["arrive", 0],
      ["kill", 0],
    ],
    false,
  ],
  [
    [false, false],
    [
      ["fail", 2],
      ["return", 1],
      ["arrive", 0],
      ["kill", 0],
    ],
    false,
  ],
  [
    [false, false],
    [
      ["return", 3],
      ["arrive", 0],
      ["arrive", 0],
      ["fail", 3],
      ["come", 0],
      ["arrive", 0],
    ],
    false,
  ],
  // Brought back where they could not be stored, and the note of it was gone already.
  [[false, false], [...BACK, ["fail", 4], ["come", 0], ["arrive", 0], ["arrive", 0], ["kill", 0]], false],
  [[false, false], [...BACK, ["come", 0], ["fail", 2], ["arrive", 0], ["arrive", 0]], false],
  // Given back by a room that could not remove them, and died.
  [[false, false], [...BACK, ["fail", 9], ["come", 0], ["arrive", 0], ["arrive", 0], ["kill", 0]], false],
  // A connection of theirs that had waited since before they left made a second one.
  [
    [false, false],
    [
      ...BACK,
      ["come", 0],
      ["come", 0],
      ["arrive", 0],
      ["arrive", 0],
      ["arrive", 3],
      ["go", 1],
      ["arrive", 1],
      ["arrive", 3],
      ["come", 0],
    ],
    false,
  ],
  // Half of them was removed where they left.
  [
    [false, false],
    [
      ["go", 1],
      ["fail", 14],
      ["arrive", 0],
      ["arrive", 0],
      ["kill", 0],
    ],
    false,
  ],
  // Stored, and then refused since the note of an earlier departure could not be deleted: nor could their rows.
  [
    [false, false, false],
    [
      ["go", 1],
      ["arrive", 0],
      ["arrive", 0],
      ["come", 0],
      ["arrive", 0],
      ["arrive", 0],
      ["go", 0],
      ["fail", 12],
      ["arrive", 0],
      ["arrive", 0],
      ["kill", 0],
    ],
    false,
  ],
  // Refused for the spent token in their URL while the room that they went to did not answer: they began anew elsewhere.
  [
    [false, false],
    [
      ["go", 1],
      ["arrive", 0],
      ["arrive", 0],
      ["come", 0],
      ["arrive", 0],
      ["arrive", 0],
      ["return", 0],
      ["arrive", 0],
      ["arrive", 0],
      ["come", 0],
      ["arrive", 0],
      ["wait", 50],
    ],
    true,
  ],
  // A connection that had waited since before they set out again was let in as a new user, since they had arrived by then.
  [
    [false, false],
    [
      ...BACK,
      ["come", 0],
      ["arrive", 0],
      ["come", 0],
      ["arrive", 0],
      ["come", 0],
      ["go", 3],
      ["arrive", 2],
      ["arrive", 5],
    ],
    true,
  ],
  // The stand-in of one who came back set out again, to the room that still had them.
  [
    [false, false],
    [
      ...BACK,
      ["come", 0],
      ["lose", 0],
      ["arrive", 0],
      ["arrive", 0],
      ["wait", 50],
      ["fail", 11],
      ["return", 3],
      ["arrive", 0],
      ["arrive", 0],
      ["wait", 10],
    ],
    false,
  ],
];
/** A user was stored without their session, so that nobody could come back as them. */
const NOBODYS: [boolean[], Step[], boolean][] = [
  [[false, false], [...BACK, ["come", 0], ["wait", 1], ["arrive", 0], ["fail", 14], ["arrive", 0], ["kill", 0]], false],
];
const places = fc.array(fc.boolean(), { minLength: 2, maxLength: 3 });

it("whatever dies between any two steps of any journey, the user is in one room in the end, and the same as ever", async () => {
  await fc.assert(
    fc.asyncProperty(places, steps, fc.boolean(), async (areLazy, taken, isComing) => {
      const journey = new Journey(areLazy);
      await journey.begin();
      for (const each of taken) await journey.take(each);
      await journey.settle(isComing);
      journey.check(isComing);
      journey.restart();
      journey.check(false);
    }),
    { numRuns: 300, examples: FOUND },
  );
});

it("whatever dies, and where sessions run out on the way: there is no user without a session, and none without a user", async () => {
  await fc.assert(
    fc.asyncProperty(places, steps, fc.boolean(), async (areLazy, taken, isComing) => {
      const journey = new Journey(areLazy, 100);
      await journey.begin();
      for (const each of taken) await journey.take(each);
      await journey.settle(isComing);
      journey.checkSessions();
      journey.restart();
      journey.checkSessions();
    }),
    { numRuns: 300, examples: NOBODYS },
  );
});
