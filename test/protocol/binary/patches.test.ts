import fc from "fast-check";
import { expect, test } from "vitest";
import { applyPatch } from "../../../src/protocol/apply-patch.ts";
import { ByteReader } from "../../../src/protocol/binary/bytes.ts";
import { PatchDecoder } from "../../../src/protocol/binary/patch-decoder.ts";
import { PatchEncoder } from "../../../src/protocol/binary/patch-encoder.ts";
import { readTables } from "../../../src/protocol/binary/tables.ts";
import type { TableSpec } from "../../../src/protocol/binary/tables.ts";
import type { Plain } from "../../../src/protocol/values.ts";
import { diff, SAME } from "../../../src/state/diff.ts";
import { merge } from "../../../src/state/merge.ts";

const SPECS: readonly TableSpec[] = [
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
    ],
  ],
  [["board", "pieces"], 1, [[["row"]], [["column"]]]],
];

const Y = (code: number) => (code === 65_535 ? 1000 : code * (1000 / 65_535));
const anyValue = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constantFrom(null, "", "abc", "a_b-C", "ä€😀", "red"),
  fc.constantFrom([], [1, [2]], {}, { a: 1 }, { a: { b: 2 } }),
);
const player = fc.record(
  {
    x: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: -200, max: 200 }) }, anyValue),
    y: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 65_535 }).map(Y) }, anyValue),
    name: fc.oneof(fc.string({ maxLength: 4 }), anyValue),
    isReady: fc.oneof(fc.boolean(), anyValue),
    at: fc.oneof(fc.record({ z: anyValue, w: fc.integer() }, { requiredKeys: [] }), anyValue),
    team: fc.constantFrom("red", "blue", "green"),
    other: anyValue,
  },
  { requiredKeys: [] },
);
const key = fc.constantFrom("a", "b", "c", "dd", "e.f", "ü", "0", "abcdefABCDEF");
const state = fc.record(
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
/** What only some see, which is never in a table. */
const own = fc.record({
  hand: fc.array(fc.integer(), { maxLength: 3 }),
});

interface Client {
  readonly isOwn: boolean;
  readonly isAway: boolean;
  readonly decoder: PatchDecoder;
  state: Readonly<Plain>;
  json: Readonly<Plain>;
}

const tables = readTables(SPECS);
const clean = (value: unknown) => JSON.parse(JSON.stringify(value)) as Plain;

function take(client: Client, bytes: Uint8Array, patch: Plain): void {
  client.state = applyPatch(client.state, client.decoder.read(new ByteReader(bytes), client.state));
  client.json = applyPatch(client.json, clean(patch));
  expect(client.state).toEqual(client.json);
}

/** What happens in one window: the next state, what some see of their own, and which client joins or goes away. */
const window = fc.record({
  next: state,
  secret: fc.option(own),
  joiner: fc.option(fc.record({ isOwn: fc.boolean(), isAway: fc.boolean() })),
  isBack: fc.boolean(),
});

test("a client of binary patches has what one of JSON has, whoever joins or comes back, and whatever is merged for some", () => {
  fc.assert(
    fc.property(fc.array(window, { maxLength: 12 }), (windows) => {
      const encoder = new PatchEncoder(tables);
      const clients: Client[] = [];
      let now: Plain = {};
      for (const { next, secret, joiner, isBack } of windows) {
        const after = clean(next);
        const patch = diff(now, after);
        now = after;
        if (patch !== SAME) {
          const shared = patch as Plain;
          const bytes = encoder.shared(shared);
          const merged = secret && merge(shared, [{ names: ["hand"], value: secret.hand }]);
          for (const client of clients) {
            if (client.isAway) continue;
            if (client.isOwn && merged) take(client, encoder.merged(merged), merged);
            else take(client, bytes, shared);
          }
        }
        for (const client of isBack ? clients.filter(({ isAway }) => isAway) : []) {
          const { hand, ...known } = client.json;
          const missed = diff(known, after);
          if (missed !== SAME) take(client, encoder.whole(missed as Plain), missed as Plain);
          if (hand !== undefined) expect(client.state).toHaveProperty("hand");
        }
        if (!joiner) continue;
        const client: Client = { ...joiner, decoder: new PatchDecoder(tables), state: {}, json: {} };
        take(client, encoder.whole(after), after);
        clients.push(client);
      }
    }),
    { numRuns: 300 },
  );
});
