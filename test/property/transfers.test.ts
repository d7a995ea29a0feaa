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
/** A transfer, or one that is called back, with at most one other step in between. Random steps rarely get that far. */
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
/** The first steps of a user who asks to leave, but comes back. Each scenario below once lost or duplicated a user. */
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
  // The home room could not store the user who came back, and had already deleted its note of the departure.
  [[false, false], [...BACK, ["fail", 4], ["come", 0], ["arrive", 0], ["arrive", 0], ["kill", 0]], false],
  [[false, false], [...BACK, ["come", 0], ["fail", 2], ["arrive", 0], ["arrive", 0]], false],
  // The other room gave the user back, but could not delete its own rows of them before it died.
  [[false, false], [...BACK, ["fail", 9], ["come", 0], ["arrive", 0], ["arrive", 0], ["kill", 0]], false],
  // A connection that had been waiting since before the user left created a second user.
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
  // The room that the user left deleted only some of their rows.
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
  // The room stored the user, but refused them because it could not delete the note of an earlier departure. It could
  // not delete the user's rows either.
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
  // The user was refused because of the spent token in their URL, while the room where they had gone did not answer. So
  // they started again as a new user elsewhere.
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
  // A connection that had been waiting since before the user left again was accepted as a new user, because the user
  // had arrived in the other room by then.
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
  // A returning user got a new entry, and left with it again to the room that still had the original.
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
const WITHOUT_SESSION: [boolean[], Step[], boolean][] = [
  [[false, false], [...BACK, ["come", 0], ["wait", 1], ["arrive", 0], ["fail", 14], ["arrive", 0], ["kill", 0]], false],
];
const places = fc.array(fc.boolean(), { minLength: 2, maxLength: 3 });

it("whatever crashes between any two steps of a transfer, the user ends up in one room, unchanged", async () => {
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

it("whatever crashes or expires meanwhile, each user has a session, and each session has a user", async () => {
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
    { numRuns: 300, examples: WITHOUT_SESSION },
  );
});
