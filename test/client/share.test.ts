import fc from "fast-check";
import { expect, it } from "vitest";
import { shareStructure } from "../../src/client/structural-sharing.ts";

it("shares exactly the equal parts", () => {
  const plain = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(plain, plain, (previous, next) => {
      const shared = shareStructure(previous, next);
      expect(shared).toEqual(next);
      expect(shareStructure(previous, structuredClone(previous))).toBe(previous);
    }),
  );
  const before = { a: { x: 1 }, b: [1, { y: 2 }] };
  const after = shareStructure(before, { a: { x: 1 }, b: [2, { y: 2 }] });
  expect(after.a).toBe(before.a);
  expect(after.b[1]).toBe(before.b[1]);
  expect(after).not.toBe(before);
});
