import { load } from "@signe/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyPatch } from "../../src/protocol/apply-patch.ts";
import { cleanPatch } from "../../src/protocol/clean-patch.ts";
import { isPlain } from "../../src/protocol/values.ts";
import { diff, put, SAME } from "../../src/state/diff.ts";
import { withoutEmpty } from "../../src/testing/expected-view.ts";

type Plain = Record<string, unknown>;

const key = fc.constantFrom("a", "b", "c", "0", "1");
const scalar = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.boolean(), fc.constant(null), fc.constant("x"));
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { weight: 3, arbitrary: scalar },
    fc.dictionary(key, tie("any"), { maxKeys: 3, noNullPrototype: true }),
    fc.array(tie("any"), { maxLength: 4 }),
  ),
})).any;
const state = fc.dictionary(key, value, { maxKeys: 4, noNullPrototype: true });

/** The patch from one state to the next, as a room creates it. */
function patchOf(previous: Plain, next: Plain): Plain {
  const patch: Plain = {};
  put(patch, "root", diff(previous, next));
  const inner = patch["root"];
  return isPlain(inner) ? inner : {};
}

describe("applyPatch", () => {
  it("P5.2: gives the same result as load for any patches, which is the state of the server", () => {
    fc.assert(
      fc.property(fc.array(state, { minLength: 2, maxLength: 6 }), (states) => {
        const loaded: Plain = {};
        let applied: Readonly<Plain> = {};
        let known: Plain = {};
        for (const next of states) {
          if (diff(known, next) === SAME) continue;
          const patch = JSON.parse(JSON.stringify(patchOf(known, next))) as Plain;
          load(loaded, patch, true);
          const clean = JSON.parse(cleanPatch(JSON.stringify(patch))) as Plain;
          expect(applyPatch(applied, clean)).toEqual(next);
          applied = applyPatch(applied, patch);
          known = next;
          expect(applied).toEqual(next);
          expect(withoutEmpty(loaded)).toEqual(withoutEmpty(next));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("changes nothing in place, and shares untouched parts", () => {
    const before = Object.freeze({ a: Object.freeze({ x: 1 }), b: Object.freeze({ y: Object.freeze([1, 2]) }) });
    const after = applyPatch(before, { a: { x: 2 } });
    expect(after).toEqual({ a: { x: 2 }, b: { y: [1, 2] } });
    expect(after["b"]).toBe(before.b);
    expect(applyPatch(before, { a: { x: 1 } })).toBe(before);
    expect(applyPatch(before, { b: { y: { 1: 9 } } })).toEqual({ a: { x: 1 }, b: { y: [1, 9] } });
  });

  it("P6.5: ignores keys that reach a prototype", () => {
    const hostile = JSON.parse(
      '{"__proto__":{"polluted":1},"a":{"constructor":{"prototype":{"polluted":1}}}}',
    ) as Plain;
    expect(applyPatch({}, hostile)).toEqual({ a: {} });
    expect(({} as Plain)["polluted"]).toBeUndefined();
  });
});
