import { City } from "./city.ts";
import { Random } from "./random.ts";

/** The result of a run. */
export interface Outcome {
  readonly kills: number;
  /** Lines that the rooms wrote and clients learned of. */
  readonly lines: number;
  readonly transfers: number;
  /**
   * Lines that clients learned of before they were lost, in rooms with a delayed save; and the oldest one's age in ms.
   */
  readonly lost: number;
  readonly oldestLost: number;
  /** How often a client was reset to the stored state. */
  readonly wentBack: number;
}

/**
 * Kills a service under load again and again, and checks its state after each kill.
 *
 * @param seed determines the load and the moments of the kills
 */
export async function crash(city: City, seed: number, kills: number): Promise<Outcome> {
  const random = new Random(seed);
  await city.open();
  for (let kill = 1; kill <= kills; kill++) {
    const coming = city.players.filter(() => random.chance(0.85));
    // Sometimes it is killed again while all players reconnect.
    if (kill === 1 || random.chance(0.7)) {
      await city.settle(coming);
      if (random.chance(0.1)) await city.checkWorld();
      await city.trim();
    }
    city.send(coming, random.chance(0.5));
    if (kill > 1 && random.chance(0.2)) await calm(city, random);
    else await (kill === 1 ? sleep(1000) : moment(city, random));
    await city.kill();
  }
  await city.settle(city.players);
  await city.checkWorld();
  await city.runOut();
  await city.close();
  const histories = [...city.histories.values()];
  const sum = (of: (history: (typeof histories)[number]) => number) =>
    histories.reduce((total, history) => total + of(history), 0);
  return {
    kills,
    lines: sum(({ length }) => length),
    transfers: city.players.reduce((total, { hops }) => total + hops, 0),
    lost: sum(({ lost }) => lost),
    oldestLost: Math.max(...histories.map(({ oldestLost }) => oldestLost)),
    wentBack: sum(({ wentBack }) => wentBack),
  };
}

/** Waits for the moment of the kill: while players connect, later, long after the last save, or during a transfer. */
async function moment(city: City, random: Random): Promise<void> {
  const longest = random.one([100, 1000, 1000, 3000, 8]);
  if (longest === 8) await Promise.race([city.nextHop(), sleep(500)]);
  await sleep(random.below(longest));
}

/** Waits until busy rooms have become quiet, and begin to move rows from their journals to their places. */
async function calm(city: City, random: Random): Promise<void> {
  await sleep(1500);
  for (const player of city.players) player.isResting = true;
  await sleep(2000 + random.below(1200));
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export const SEED = Number(process.env["CRASH_SEED"] ?? Date.now() % 2 ** 31);
