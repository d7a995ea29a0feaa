import { expect, it } from "vitest";
import { withSeed } from "./seeded-crypto.ts";

it("random values depend only on the seed, also if other code needs some meanwhile", async () => {
  let wake = () => {};
  const other = new Promise<void>((resolve) => (wake = resolve)).then(() => [
    crypto.randomUUID(),
    ...crypto.getRandomValues(new Uint8Array(8)),
  ]);
  const values = (meanwhile: () => Promise<unknown>) =>
    withSeed(7, async () => {
      const first = crypto.randomUUID();
      await meanwhile();
      return [first, ...crypto.getRandomValues(new Uint8Array(8))];
    });
  const alone = await values(async () => {});
  const disturbed = await values(() => {
    wake();
    return other;
  });
  expect(disturbed).toEqual(alone);
  expect(alone).not.toContain((await other)[0]);
});
