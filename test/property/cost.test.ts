import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { costOf, costPerHour } from "../../src/platform/cost.ts";
import { sum, zero } from "../../src/platform/counts.ts";
import type { Counts } from "../../src/platform/counts.ts";

const number = fc.nat(1_000_000_000);
const byName = fc.dictionary(fc.constantFrom("internal", "forbidden", "message", "alarm"), number, {
  noNullPrototype: true,
});
const counts = fc
  .record(Object.fromEntries(Object.keys(zero()).map((name) => [name, /wakes|errors/.test(name) ? byName : number])))
  .map((record) => record as unknown as Counts);

const close = (a: number, b: number) => expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-9 * Math.max(1, a, b));

describe("the cost of counts", () => {
  it("matches the price list", () => {
    const price = (some: Partial<Counts>) => costOf({ ...zero(), ...some }).total;
    expect(price({ requests: 1_000_000 })).toBeCloseTo(0.15);
    expect(price({ calls: 1_000_000 })).toBeCloseTo(0.15);
    expect(price({ alarms: 1_000_000 })).toBeCloseTo(0.15);
    expect(price({ messages: 20_000_000 })).toBeCloseTo(0.15);
    expect(price({ rowsWritten: 1_000_000 })).toBeCloseTo(1);
    expect(price({ rowsRead: 1_000_000_000 })).toBeCloseTo(1);
    // The cost of an object that never sleeps, for a month of 30 days.
    expect(price({ awakeMs: 30 * 86_400_000 })).toBeCloseTo(4.147, 3);
    expect(
      price({
        packets: 1e9,
        bytesIn: 1e9,
        bytesOut: 1e9,
        relayed: 1e9,
        wakes: { message: 9 },
        errors: { internal: 9 },
      }),
    ).toBe(0);
    expect(costPerHour({ ...zero(), rowsWritten: 1_000_000 }, 1_800_000).total).toBeCloseTo(2);
    expect(costPerHour({ ...zero(), rowsWritten: 1_000_000 }, 1)).toEqual(
      costPerHour({ ...zero(), rowsWritten: 1_000_000 }, 60_000),
    );
  });

  it("is never negative, additive, and never lower for higher counts", () => {
    fc.assert(
      fc.property(counts, counts, (a, b) => {
        const [ofA, ofB, ofBoth] = [costOf(a), costOf(b), costOf(sum(a, b))];
        for (const part of ["requests", "duration", "rows", "total"] as const) {
          close(ofBoth[part], ofA[part] + ofB[part]);
          expect(ofA[part]).toBeGreaterThanOrEqual(0);
          expect(ofBoth[part]).toBeGreaterThanOrEqual(ofA[part]);
        }
        close(ofA.total, ofA.requests + ofA.duration + ofA.rows);
      }),
    );
  });

  it("counts are added by name, in any order, and missing ones of an older version count as 0", () => {
    fc.assert(
      fc.property(counts, counts, counts, (a, b, c) => {
        expect(sum(a, b)).toEqual(sum(b, a));
        expect(sum(sum(a, b), c)).toEqual(sum(a, sum(b, c)));
        expect(sum(a, zero())).toEqual(a);
        const { calls: _, errors: __, ...older } = a;
        expect(sum(older as Counts, b)).toEqual(sum({ ...older, calls: 0, errors: {} }, b));
      }),
    );
  });
});
