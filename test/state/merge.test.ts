import fc from "fast-check";
import { expect, it } from "vitest";
import { jsonBlock } from "../../src/protocol/binary/blocks.ts";
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

it("the added private parts and the patch for everyone give the same result, in the same order", () => {
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
    // What is private is nothing that everyone is told of, but may be anywhere in that.
    names: fc
      .tuple(fc.array(fc.constantFrom("a", "b"), { maxLength: 2 }), fc.constantFrom(["own"], ["own", "own"]))
      .map((names) => names.flat()),
    value: fc.oneof(fc.constant(DELETE), fc.nat(3), fc.constant([1]), fc.constant(new Replacement({ y: 1 }))),
  });
  fc.assert(
    fc.property(fc.option(things, { nil: undefined }), fc.array(change, { maxLength: 3 }), (all, changes) => {
      const shared = all && {};
      for (const [key, value] of Object.entries(all ?? {})) put(shared as Record<string, unknown>, key, value);
      const [patch, more] = [shared ?? {}, addition(shared, changes)];
      const blocks = new ByteReader(Buffer.concat([jsonBlock(patch), jsonBlock(more)]));
      const read = new PatchDecoder([]).read(blocks, {});
      expect(JSON.stringify(read)).toBe(JSON.stringify(merge(shared, changes)));
    }),
    { numRuns: 1000 },
  );
});
