import { expect, it } from "vitest";
import { DELETE } from "../../src/protocol/packets.ts";
import { applyPatch } from "../../src/protocol/apply-patch.ts";
import { put, Replacement } from "../../src/state/diff.ts";
import { merge } from "../../src/state/merge.ts";

it("private parts go along with what is gone for everyone", () => {
  const patch = merge({ things: { sword: DELETE } }, [{ names: ["things", "sword", "secret"], value: DELETE }]);
  expect(patch).toEqual({ things: { sword: DELETE } });
});

it.each([1, [1, 2], new Replacement({ a: 1 })])(
  "private parts of what takes the place of something follow it",
  (value) => {
    const things = {};
    put(things, "sword", new Replacement({ hp: 1 }));
    const patch = merge({ things }, [{ names: ["things", "sword", "secret"], value }]);
    const before = { things: { sword: { old: true, secret: { b: 2 } } } };
    const secret = value instanceof Replacement ? value.value : value;
    expect(applyPatch(before, patch)).toEqual({ things: { sword: { hp: 1, secret } } });
  },
);
