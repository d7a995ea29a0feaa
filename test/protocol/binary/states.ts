import fc from "fast-check";
import { quantizing } from "../../../src/protocol/binary/codecs.ts";
import type { TableSpec } from "../../../src/protocol/binary/tables.ts";

/** Tables with every kind of column, also for values that do not fit into them. */
export const SPECS: readonly TableSpec[] = [
  [[], 0, [[["turn"]], [["board", "size"]], [["title"]]]],
  [
    ["players"],
    1,
    [
      [["x"]],
      [["y"], { quantized: [0, 1000, 16] }],
      [["name"]],
      [["isReady"]],
      [["at", "z"]],
      [["team"], { oneOf: ["red", "blue"] }],
      // The last step of this range is slightly below its maximum.
      [["angle"], { quantized: [-0.1, 0.3, 10] }],
    ],
  ],
  [["board", "pieces"], 1, [[["row"]], [["column"]]]],
];

const y = quantizing(0, 1000, 16);
const angle = quantizing(-0.1, 0.3, 10);
const anyValue = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constantFrom(null, "", "abc", "a_b-C", "ä€😀", "red", "\ud800"),
  fc.constantFrom([], [1, [2]], {}, { a: 1 }, { a: { b: 2 } }),
);
const player = fc.record(
  {
    x: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: -200, max: 200 }) }, anyValue),
    y: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 65_535 }).map(y.value) }, anyValue),
    name: fc.oneof(fc.string({ maxLength: 4 }), anyValue),
    isReady: fc.oneof(fc.boolean(), anyValue),
    at: fc.oneof(fc.record({ z: anyValue, w: fc.integer() }, { requiredKeys: [] }), anyValue),
    team: fc.constantFrom("red", "blue", "green"),
    angle: fc.constantFrom(-0.1, 0.3),
    other: anyValue,
  },
  { requiredKeys: [] },
);
const key = fc.constantFrom("a", "b", "c", "dd", "e.f", "ü", "0", "abcdefABCDEF");
export const state = fc.record(
  {
    turn: anyValue,
    title: anyValue,
    board: fc.oneof(
      fc.record(
        {
          size: anyValue,
          pieces: fc.oneof(fc.dictionary(key, fc.record({ row: fc.integer(), column: fc.integer() })), anyValue),
        },
        { requiredKeys: [] },
      ),
      anyValue,
    ),
    players: fc.oneof({ weight: 8, arbitrary: fc.dictionary(key, player) }, anyValue),
    more: anyValue,
  },
  { requiredKeys: [] },
);
/** The hidden part of the state, which is never in a table. */
export const own = fc.record({
  hand: fc.array(fc.integer(), { maxLength: 3 }),
});

/** Numbers that change a little, and sometimes a lot. */
const near = (middle: number) =>
  fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: middle - 60, max: middle + 60 }) },
    fc.integer({ min: -32_768, max: 32_767 }),
  );
/** Entries whose numbers go up and down, as in a game. */
export const movers = fc.record({
  players: fc.dictionary(
    key.filter((name) => name !== "e.f"),
    fc.record({
      x: near(-1000),
      y: near(20_000).map((code) => y.value(Math.abs(code))),
      angle: near(1000).map((code) => angle.value(Math.min(Math.abs(code), 1023))),
    }),
    { minKeys: 4 },
  ),
});
