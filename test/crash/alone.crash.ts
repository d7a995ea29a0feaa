import { afterAll, expect, it, vi } from "vitest";
import { City } from "./city.ts";
import { Random } from "./random.ts";
import { SEED } from "./run.ts";

/** The interval at which shards report to their World. */
const MINUTE = 60_000;

const city = new City(new Random(SEED));
afterAll(() => city.service.stop());

it(
  "if no client returns after a kill, objects wake by their alarms, and the World counts no clients",
  async () => {
    await city.open();
    await city.settle(city.players);
    await city.checkWorld();
    await city.service.kill();
    await city.service.start();
    // Ask only the World, because a request to a shard would wake it.
    const counted = async () => (await city.service.shards()).reduce((sum, { connections }) => sum + connections, 0);
    expect(await counted()).toBeGreaterThan(0);
    await vi.waitFor(async () => expect(await counted()).toBe(0), { timeout: MINUTE + 5000, interval: 1000 });
  },
  2 * MINUTE,
);
