import { expect, it } from "vitest";
import { zero } from "../../src/platform/counts.ts";
import { ObjectReport } from "../../src/platform/object-report.ts";

const MEASURED = { at: 0, wokeAt: 0, wokenBy: undefined, awake: [], countedSince: 0 };
const COUNTS = { sinceWake: zero(), totals: zero() };
const failure = (error: string) => ({ level: "error", event: "action_failed", error }) as const;

it("groups what keeps an object awake by kind, in the order in which the kinds began", () => {
  const awake = [
    { why: "tick", since: 1 },
    { why: "socket", since: 2 },
    { why: "tick", since: 3 },
  ];
  expect(new ObjectReport().of({ ...MEASURED, ...COUNTS, awake }).awake).toEqual([
    { why: "tick", since: 1, count: 2 },
    { why: "socket", since: 2, count: 1 },
  ]);
});

it("has the last 50 errors and warnings, without private ids and stacks", () => {
  const report = new ObjectReport();
  for (let index = 0; index < 60; index++) report.note(failure(`Error ${index}\n    at file`), index, () => false);
  report.note({ level: "info", event: "woke" }, 60, () => false);
  report.note(failure("no entry for secret-of-ada-0000"), 61, (text) => text === "secret-of-ada-0000");
  const { errors } = report.of({ ...MEASURED, ...COUNTS });
  expect(errors).toHaveLength(50);
  expect(errors[0]).toMatchObject({ at: 11, error: "Error 11" });
  expect(errors.at(-1)).toMatchObject({ at: 61, error: "no entry for (private)" });
});

it("knows whether anything was counted since the counts were stored", () => {
  const report = new ObjectReport();
  const counts = zero();
  expect(report.isStored(counts)).toBe(true);
  counts.errors.internal = 1;
  expect(report.isStored(counts)).toBe(false);
  report.stored(counts);
  expect(report.isStored(counts)).toBe(true);
  counts.rowsRead++;
  expect(report.isStored(counts)).toBe(false);
});
