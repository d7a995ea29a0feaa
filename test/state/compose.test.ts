import fc from "fast-check";
import { expect, it } from "vitest";
import { applyPatch } from "../../src/protocol/apply-patch.ts";
import { composed } from "../../src/state/compose.ts";
import { diff, SAME } from "../../src/state/diff.ts";

type Plain = Readonly<Record<string, unknown>>;

const { value } = fc.letrec<{ value: unknown; object: Plain }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.nat(3),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.dictionary(fc.constantFrom("a", "b", "0"), tie("value")) as fc.Arbitrary<Plain>,
}));
const state = fc.dictionary(fc.constantFrom("a", "b"), value);

it("a merged patch has the same effect as its patches one after the other", () => {
  fc.assert(
    fc.property(fc.array(state, { minLength: 2, maxLength: 5 }), (states) => {
      let patch: unknown;
      for (const [index, next] of states.entries()) {
        const change = index === 0 ? SAME : diff(states[index - 1], structuredClone(next));
        if (change !== SAME) patch = composed(patch, change);
      }
      const [first = {}, last = {}] = [states[0], states.at(-1)];
      expect(applyPatch(first, (patch ?? {}) as Plain)).toEqual(last);
    }),
    { numRuns: 3000 },
  );
});
