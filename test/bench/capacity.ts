import type { Figures } from "./load/jobs.ts";
import type { LoadGenerator } from "./load-generator.ts";
import type { Found, Timing } from "./found.ts";
import type { Capacity } from "./scenarios.ts";
import type { Stage } from "./stage.ts";
import type { VariantName } from "./variants.ts";

/** The requirements for holding a number of players: the p99 latency of moves in ms, and the share of done moves. */
const MAX_P99 = 150;
const MIN_DONE = 0.97;
/** The distance that players see. */
const RADIUS = 100;
const ATTEMPTS = 3;
/** How many attempts at a step have to succeed. */
const ENOUGH = 2;

/**
 * Measures how many players each variant holds. It increases their number step by step, and a variant holds a step if
 * most attempts succeed. All variants try a step before the next one, in turn, because the speed of a machine changes
 * within minutes.
 */
export class CapacityTest {
  readonly #load: LoadGenerator;
  readonly #stage: Stage;
  readonly #timing: Timing;
  readonly #scenario: Capacity;

  constructor(load: LoadGenerator, stage: Stage, timing: Timing, scenario: Capacity) {
    this.#load = load;
    this.#stage = stage;
    this.#timing = timing;
    this.#scenario = scenario;
  }

  /** @returns the figures of the last step that each variant held */
  async run(variants: readonly VariantName[]): Promise<Found[]> {
    const { ladder } = this.#scenario;
    const held = new Map<VariantName, Figures>();
    let climbing = variants;
    for (const players of this.#timing.isQuick ? ladder.filter((_, step) => step % 3 === 0) : ladder) {
      const step = await this.#step(climbing, players);
      for (const [variant, figures] of step) held.set(variant, figures);
      climbing = [...step.keys()];
    }
    return variants.map((variant): Found => {
      const figures = held.get(variant);
      return figures ? { variant, held: figures } : { variant, failed: `Does not hold ${ladder[0]} players` };
    });
  }

  /** @returns the variants that hold a step, with the highest p99 of their successful attempts */
  async #step(variants: readonly VariantName[], players: number): Promise<Map<VariantName, Figures>> {
    const successes = new Map<VariantName, Figures[]>(variants.map((variant) => [variant, []]));
    for (let left = ATTEMPTS; left > 0; left--) {
      for (const [variant, own] of successes) {
        const isDecided = own.length >= ENOUGH || own.length + left < ENOUGH;
        if (isDecided) continue;
        const figures = await this.#try(variant, players);
        if (figures && isHeld(figures)) own.push(figures);
      }
    }
    const holding = [...successes].filter(([, own]) => own.length >= ENOUGH);
    return new Map(holding.map(([variant, own]) => [variant, slowestOf(own)]));
  }

  /**
   * Each attempt has a new process. What the rooms of earlier attempts leave behind in memory is in pieces, and makes
   * full garbage collections take half as long again.
   * @returns undefined if the server lost a client, or did not let all of them in
   */
  async #try(variant: VariantName, players: number): Promise<Figures | undefined> {
    const { rate, inSight } = this.#scenario;
    const { warmUp, duration } = this.#timing;
    const map = Math.round(Math.sqrt((players * Math.PI * RADIUS ** 2) / inSight));
    // The process is new. Until its code is optimized, which happens on the same core, a crowd can take all of the core
    // and never catch up. Moves on their way at the start and at the end count as done or not by chance: a longer
    // measurement makes that a smaller share.
    const load = { action: "move", rate, map, warmUp: 8 * warmUp, duration: 2 * duration };
    const run = this.#stage.alone(variant, async (stage) => {
      await stage.warmUp(this.#load, variant);
      const place = await stage.place(variant, "capacity");
      return this.#load.do({ kind: "run", place, clients: players, seed: 0, load });
    });
    return run.catch((error: unknown) => {
      console.error(`capacity ${variant}, ${players} players: ${String(error)}`);
      return undefined;
    });
  }
}

function isHeld({ latency, done, offered }: Figures): boolean {
  return latency.p99 <= MAX_P99 && done >= MIN_DONE * offered;
}

function slowestOf(attempts: readonly Figures[]): Figures {
  return attempts.reduce((slowest, one) => (one.latency.p99 > slowest.latency.p99 ? one : slowest));
}
