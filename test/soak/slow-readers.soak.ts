import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { SECRETS } from "../fuzz/long/workerd.ts";
import { bundleInto, startWorkerd } from "../workerd/process.ts";
import type { Workerd } from "../workerd/process.ts";
import { compare, run } from "./slow-readers.ts";
import type { Outcome } from "./slow-readers.ts";

const SECONDS = Number(process.env["SOAK_SECONDS"] ?? 60);
const MOVERS = 100;

let workerd: Workerd;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "slow-readers-"));
  await bundleInto(folder, join(import.meta.dirname, "worker.ts"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts a new process for each run, so that the memory of the previous one does not count. */
async function measure(stalled: number, room: string) {
  workerd = await startWorkerd(folder, SECRETS);
  try {
    const outcome = await run(workerd, { room, movers: MOVERS, rate: 10, stalled, seconds: SECONDS, trail: 10 });
    console.log(stalled, "do not read:", outcome);
    return outcome;
  } finally {
    await workerd.kill();
  }
}

it(
  `P14: for ${SECONDS} seconds, ${MOVERS} move, and some do not read: the memory of workerd is bounded`,
  async () => {
    const none = await measure(0, "busy-none");
    const few = await measure(10, "busy-few");
    expect(few.grown[2]).toBeLessThan(none.grown[2] + 15);
    expect(none.confirmations).toBeLessThanOrEqual(Math.ceil((none.sentBytes * 60) / SECONDS / 900_000));
    expect(none.binaryConfirmations).toBeLessThanOrEqual(2);
    expect(few.behind).toBeLessThanOrEqual(10);
    expect(few.unconfirmedBytes).toBeLessThan(32_000_000);
    if (few.behind > 0) expect(few.mergedBytes).toBeLessThanOrEqual(1.5 * few.stateBytes);
    const many = await measure(500, "busy-many");
    expect(many.grown[2]).toBeLessThan(none.grown[2] + 64);
    expect(many.unconfirmedBytes).toBeLessThan(64_000_000);
    // Then it is flat: it grows no more than when all read.
    const later = ({ grown }: Outcome) => grown[2] - grown[0];
    for (const outcome of [few, many]) expect(later(outcome)).toBeLessThan(Math.max(later(none), 0) + 10);
  },
  SECONDS * 4000 + 120_000,
);

it(
  "P14: clients that do not read do not delay others",
  async () => {
    workerd = await startWorkerd(folder, SECRETS);
    try {
      for (const stalled of [10, 500]) {
        const crowd = {
          room: `busy-turns-${stalled}`,
          movers: MOVERS,
          rate: 10,
          stalled,
          seconds: SECONDS / 6,
          trail: 10,
        };
        const ratio = await compare(workerd, crowd, 3);
        console.log(stalled, "do not read: the p99 of others is", ratio, "of that without them");
        // It is usually 1. On a shared machine, which also runs the clients, it may be higher.
        expect(ratio).toBeLessThan(2);
      }
    } finally {
      await workerd.kill();
    }
  },
  SECONDS * 3000 + 150_000,
);
