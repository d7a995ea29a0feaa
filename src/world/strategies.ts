import type { LocationHint } from "./assignment.ts";
import { distance, NEAR } from "./location.ts";
import type { Balancing } from "./balancing.ts";
import { loadOf } from "./state.ts";
import type { Shard } from "./state.ts";

/** The data besides the shards that a choice depends on. */
export interface Choice {
  readonly now: number;
  /** The region of the client, if it is known. */
  readonly hint: LocationHint | undefined;
  /** Whether a new shard may be made instead. */
  readonly canGrow: boolean;
  /** From 0 to less than 1. */
  readonly random: () => number;
}

type Strategy = (shards: readonly Shard[], choice: Choice) => Shard | undefined;

/**
 * The strategies for choosing a shard with a free place. The result is undefined only if a new shard should be made, or
 * there is none at all.
 */
const STRATEGIES: Readonly<Record<Balancing, Strategy>> = {
  // The turn is stored with the shard, so that a reservation changes only the shard.
  "round-robin": (shards) => least(shards, (shard) => [shard.ledger().turn]),
  "least-connections": (shards, { now }) => least(shards, (shard) => [loadOf(shard, now), shard.ledger().turn]),
  random: (shards, { random }) => shards[Math.floor(random() * shards.length)],
  nearest,
};

/** Chooses a shard with a free place. */
export function choose(balancing: Balancing, shards: readonly Shard[], choice: Choice): Shard | undefined {
  return STRATEGIES[balancing](shards, choice);
}

/**
 * The nearest shard to the client; of several, the emptiest. A new one is made only if the client's region is known,
 * all shards with a free place are farther than a neighbouring region, and the room may have another shard.
 */
function nearest(shards: readonly Shard[], { hint, now, canGrow }: Choice): Shard | undefined {
  const awayOf = (shard: Shard) => distance(hint, shard.info().hint ?? undefined);
  const best = least(shards, (shard) => [awayOf(shard), loadOf(shard, now), shard.ledger().turn]);
  return best && hint && canGrow && awayOf(best) > NEAR ? undefined : best;
}

/** The shard with the smallest numbers, compared in order. The first one if several are equal. */
function least(shards: readonly Shard[], measure: (shard: Shard) => readonly number[]): Shard | undefined {
  let best: { shard: Shard; numbers: readonly number[] } | undefined;
  for (const shard of shards) {
    const numbers = measure(shard);
    if (!best || isLess(numbers, best.numbers)) best = { shard, numbers };
  }
  return best?.shard;
}

function isLess(numbers: readonly number[], others: readonly number[]): boolean {
  const index = numbers.findIndex((number, at) => number !== others[at]);
  return index >= 0 && (numbers[index] as number) < (others[index] as number);
}
