import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { SECRETS } from "../fuzz/long/workerd.ts";
import { run } from "../soak/slow-readers.ts";
import { bundleInto, startWorkerd } from "../workerd/process.ts";
import type { Workerd } from "../workerd/process.ts";

let workerd: Workerd;
const folder = mkdtempSync(join(tmpdir(), "slow-readers-"));

beforeAll(async () => {
  await bundleInto(folder, join(import.meta.dirname, "../soak/worker.ts"));
  workerd = await startWorkerd(folder, SECRETS);
}, 60_000);
afterAll(async () => {
  await workerd.kill();
  rmSync(folder, { recursive: true });
});

it("P14.2: sockets that do not read get a limited amount from a real workerd, and one merged patch when they read again", async () => {
  const outcome = await run(workerd, { room: "busy-1", movers: 10, rate: 10, stalled: 3, seconds: 6, trail: 10_000 });
  expect(outcome.behind).toBe(3);
  // Three stopped clients, and what the others have not been asked to confirm yet. Without a limit it would be 18 MB.
  expect(outcome.unconfirmedBytes).toBeLessThan(3 * 1_700_000 + 10 * 500_000);
  expect(outcome.mergedBytes).toBeLessThan(1.5 * outcome.stateBytes);
  expect(outcome.sentBytes).toBeGreaterThan(2_000_000);
});
