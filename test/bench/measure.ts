import { setTimeout as sleep } from "node:timers/promises";
import { CapacityTest } from "./capacity.ts";
import type { Found, Timing } from "./found.ts";
import type { LoadGenerator } from "./load-generator.ts";
import type { Scenario } from "./scenarios.ts";
import { prepareAll, Stage } from "./stage.ts";
import type { VariantName } from "./variants.ts";

/** A little more than the time without events after which workerd removes an object from memory, in ms. */
const SLEEPS_AFTER = 12_000;

type Measured = Omit<Found, "variant">;

/** Measures scenarios with one load generator and the servers of one round. */
export class Measurement {
  readonly #load: LoadGenerator;
  readonly #stage: Stage;
  readonly #timing: Timing;

  constructor(load: LoadGenerator, stage: Stage, timing: Timing) {
    this.#load = load;
    this.#stage = stage;
    this.#timing = timing;
  }

  /** Runs each variant for a moment, so that the code that will be measured has been compiled. */
  async warmUp(variants: readonly VariantName[]): Promise<void> {
    for (const variant of variants) await this.#stage.warmUp(this.#load, variant);
  }

  /** Measures a scenario with its variants, one after the other. */
  async measure(name: string, scenario: Scenario, variants: readonly VariantName[]): Promise<Found[]> {
    switch (scenario.kind) {
      case "run":
        return this.#each(variants, async (variant) => {
          const place = await this.#stage.place(variant, name);
          const { clients, seed = 0, action = "move", rate, inFlight, map } = scenario;
          const load = { action, rate, inFlight, map, ...this.#timing };
          return { figures: await this.#load.do({ kind: "run", place, clients, seed, load }) };
        });
      case "capacity":
        return new CapacityTest(this.#load, this.#stage, this.#timing, scenario).run(variants);
      case "join":
        return this.#each(variants, async (variant) => {
          const place = await this.#stage.place(variant, name);
          return { burst: await this.#load.do({ kind: "join", place, clients: scenario.clients }) };
        });
      case "wake":
        return this.#wake(scenario, variants);
      case "rows":
        return this.#counting(variants, async (stage, variant) => {
          const { clients, actions, ms } = scenario;
          const place = await stage.place(variant, name);
          return { rows: await this.#load.do({ kind: "rows", place, clients, actions, ms }) };
        });
      case "cost":
        return this.#counting(variants, async (stage, variant) => {
          const { clients, rate, ms } = scenario;
          const place = await stage.place(variant, name);
          return { billed: await this.#load.do({ kind: "cost", place, clients, rate, ms }) };
        });
    }
  }

  /** Lets all rooms fall asleep at the same time, then wakes them one by one. */
  async #wake(scenario: Extract<Scenario, { kind: "wake" }>, variants: readonly VariantName[]) {
    const { by, clients, seed, rooms, isBusy = false } = scenario;
    const all = variants.flatMap((variant) => Array.from({ length: rooms }, (_, room) => ({ variant, room })));
    const places = await Promise.all(
      all.map(({ variant, room }) => this.#stage.place(variant, `wake-${by}-${isBusy ? "busy-" : ""}${room}`)),
    );
    for (const place of places) await this.#load.do({ kind: "settle", place, clients, seed, isBusy });
    await sleep(SLEEPS_AFTER);
    const found: Found[] = [];
    for (const [index, place] of places.entries()) {
      const { variant } = all[index] as { variant: VariantName };
      found.push({
        variant,
        ...(await attempt(async () => ({ burst: await this.#load.do({ kind: "wake", place, by }) }))),
      });
    }
    await this.#load.do({ kind: "leave" });
    return found;
  }

  /** Counts with a separate server for each variant, all at once, because time does not matter here. */
  async #counting(
    variants: readonly VariantName[],
    count: (stage: Stage, variant: VariantName) => Promise<Measured>,
  ): Promise<Found[]> {
    return Promise.all(
      variants.map(async (variant): Promise<Found> => {
        const measured = await attempt(async () =>
          Stage.with(await prepareAll([variant], true), (stage) => count(stage, variant)),
        );
        return { variant, ...measured };
      }),
    );
  }

  async #each(variants: readonly VariantName[], run: (variant: VariantName) => Promise<Measured>): Promise<Found[]> {
    const found: Found[] = [];
    for (const variant of variants) found.push({ variant, ...(await attempt(() => run(variant))) });
    return found;
  }
}

/** A variant that fails does not end the run. */
async function attempt(run: () => Promise<Measured>): Promise<Measured> {
  try {
    return await run();
  } catch (error) {
    return { failed: String(error) };
  }
}
