import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserRate } from "../../src/platform/user-rate.ts";

describe("the rate of one action", () => {
  it("refused calls do not count", () => {
    const rate = new UserRate({ messages: 1, per: 1000 });
    expect(rate.take("ada", 0)).toBe(true);
    for (const now of [1, 500, 999]) expect(rate.take("ada", now)).toBe(false);
    expect(rate.take("bob", 999)).toBe(true);
    expect(rate.take("ada", 1000)).toBe(true);
  });

  it("a clock that is set back makes no user wait longer than the full time", () => {
    const rate = new UserRate({ messages: 2, per: 1000 });
    expect(rate.take("ada", 1_000_000)).toBe(true);
    expect(rate.take("ada", 0)).toBe(true);
  });

  it("as many pass at once as allowed, at least as many in the long run, and never more", () => {
    const steps = fc.array(fc.nat({ max: 400 }), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 2000 }), steps, (messages, per, waits) => {
        const rate = new UserRate({ messages, per });
        const passed: number[] = [];
        let now = 0;
        for (const wait of waits) {
          now += wait;
          const isFree = passed.filter((at) => at > now - per).length < messages && passed.length < messages;
          if (rate.take("ada", now)) passed.push(now);
          else expect(isFree).toBe(false);
        }
        // In any period, at most the bucket's size plus what was refilled may pass.
        for (const [index, from] of passed.entries()) {
          const count = passed.length - index;
          expect(count).toBeLessThanOrEqual(messages + ((now - from) / per) * messages + 0.001);
        }
      }),
    );
  });
});
