import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inSteps } from "../../src/protocol/clean-patch.ts";
import { jsonBlocks } from "../../src/protocol/binary/blocks.ts";
import { ByteReader } from "../../src/protocol/binary/bytes.ts";
import { PatchDecoder } from "../../src/protocol/binary/patch-decoder.ts";
import { DELETE } from "../../src/protocol/packets.ts";
import { applyPatch } from "../../src/protocol/apply-patch.ts";
import { put, Replacement } from "../../src/state/diff.ts";
import { addition, merge } from "../../src/state/merge.ts";

it("private parts are removed with what is removed for everyone", () => {
  const patch = merge({ things: { sword: DELETE } }, [{ names: ["things", "sword", "secret"], value: DELETE }]);
  expect(patch).toEqual({ things: { sword: DELETE } });
});

it.each([1, [1, 2], new Replacement({ a: 1 })])("private parts of a replacement follow it", (value) => {
  const things = {};
  put(things, "sword", new Replacement({ hp: 1 }));
  const patch = merge({ things }, [{ names: ["things", "sword", "secret"], value }]);
  const before = { things: { sword: { old: true, secret: { b: 2 } } } };
  const secret = value instanceof Replacement ? value.value : value;
  expect(applyPatch(before, patch)).toEqual({ things: { sword: { hp: 1, secret } } });
});

describe("private parts and the patch for everyone", () => {
  const things = fc.dictionary(
    fc.constantFrom("a", "b", "c"),
    fc.oneof(
      fc.constant(DELETE),
      fc.nat(3),
      fc.dictionary(fc.constantFrom("a", "b"), fc.oneof(fc.constant(DELETE), fc.nat(3))),
      fc.nat(3).map((x) => new Replacement({ x })),
    ),
  );
  const change = fc.record({
    // A private part is never sent to everyone, but may be inside of objects that are.
    names: fc
      .tuple(fc.array(fc.constantFrom("a", "b"), { maxLength: 2 }), fc.constantFrom(["own"], ["own", "own"]))
      .map((names) => names.flat()),
    value: fc.oneof(fc.constant(DELETE), fc.nat(3), fc.constant([1]), fc.constant(new Replacement({ y: 1 }))),
  });
  it("give the same result as one merged patch, in the same order", () => {
    fc.assert(
      fc.property(fc.option(things, { nil: undefined }), fc.array(change, { maxLength: 3 }), (all, changes) => {
        const shared = all && {};
        for (const [key, value] of Object.entries(all ?? {})) put(shared as Record<string, unknown>, key, value);
        const [patch, more] = [shared ?? {}, addition(shared, changes)];
        const blocks = new ByteReader(Buffer.concat([jsonBlocks(patch, false), jsonBlocks(more, false)]));
        const read = new PatchDecoder([]).read(blocks, {});
        expect(JSON.stringify(read)).toBe(JSON.stringify(merge(shared, changes)));
      }),
      { numRuns: 1000 },
    );
  });

  it("give the same state in two steps without dots in names", () => {
    const had = fc.oneof(fc.nat(3), fc.constant(null), fc.constant([1, { x: 2 }]), fc.constant({ a: 1, x: { y: 2 } }));
    // Fields are never inside of other fields.
    const field = change.filter(({ names }) => names.indexOf("own") === names.length - 1);
    const state = fc.dictionary(fc.constantFrom("a", "b", "c", "own"), had);
    fc.assert(
      fc.property(
        state,
        fc.option(things, { nil: undefined }),
        fc.uniqueArray(field, { maxLength: 3, selector: ({ names }) => names.join() }),
        (has, all, changes) => {
          const shared: Record<string, unknown> = {};
          for (const [key, value] of Object.entries(all ?? {})) put(shared, key, value);
          const patch = merge(shared, changes);
          const { clear = {}, value } = inSteps(patch);
          expect(JSON.stringify([clear, value])).not.toContain(".");
          const expected = applyPatch(has, patch);
          expect(applyPatch(applyPatch(has, clear), value)).toEqual(expected);
          const parts = [jsonBlocks(shared, true), jsonBlocks(addition(shared, changes), true)];
          const head: { clear?: Record<string, unknown> } = {};
          const read = new PatchDecoder([]).read(new ByteReader(Buffer.concat(parts)), has, head);
          expect(applyPatch(applyPatch(has, head.clear ?? {}), read)).toEqual(expected);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
