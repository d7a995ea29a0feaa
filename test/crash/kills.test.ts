import { expect, it } from "vitest";
import { City } from "./city.ts";
import { Random } from "./random.ts";
import { crash, SEED } from "./run.ts";

/** A few in `npm test`; 100 in `npm run test:crash`. */
const KILLS = Number(process.env["CRASH_KILLS"] ?? 4);

it(
  `a service that is killed ${KILLS} times under load loses nothing that it acknowledged`,
  async () => {
    const city = new City(new Random(SEED));
    try {
      const outcome = await crash(city, SEED, KILLS);
      console.log(outcome);
      expect(outcome.lines).toBeGreaterThan(100);
    } catch (error) {
      throw new Error(`CRASH_SEED=${SEED}\n${city.service.log.slice(-2000)}`, { cause: error });
    } finally {
      await city.service.stop();
    }
  },
  30_000 + KILLS * 10_000,
);
