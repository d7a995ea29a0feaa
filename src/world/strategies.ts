import type { LocationHint } from "./assignment.ts";
import { distance, NEAR } from "./location.ts";
import type { Balancing } from "./balancing.ts";
import { loadOf } from "./state.ts";
import type { Shard } from "./state.ts";

/** What a choice depends on beside the shards. */
export interface Choice {
  readonly now: number;
  /** Where the client is, if that is known. */
  readonly hint: LocationHint | undefined;
  /** Whether a shard may be made instead. */
  readonly canGrow: boolean;
  /** From 0 to less than 1. */
  readonly random: () => number;
}

type Strategy = (shards: readonly Shard[], choice: Choice) => Shard | undefined;

/**
 * How a shard is chosen of those with space. Each gives undefined only if a new one is to be made, or there is
 * none at all.
 */
const STRATEGIES: Readonly<Record<Balancing, Strategy>> = {
  // The turn is stored with the shard, so that a reservation changes nothing but the shard.
  "round-robin": (shards) => least(shards, (shard) => [shard.ledger().turn]),
  "least-connections": (shards, { now }) => least(shards, (shard) => [loadOf(shard, now), shard.ledger().turn]),
  random: (shards, { random }) => shards[Math.floor(random() * shards.length)],
  nearest,
};

/** Chooses one of the shards that have space. */
export function choose(balancing: Balancing, shards: readonly Shard[], choice: Choice): Shard | undefined {
  return STRATEGIES[balancing](shards, choice);
}

/**
 * The shard that is nearest to the client, and of several the emptiest. A new one is made only for a client whose
 * region is known, if all that have space are farther than a neighbouring region, and the room may have one more.
 */
function nearest(shards: readonly Shard[], { hint, now, canGrow }: Choice): Shard | undefined {
  const awayOf = (shard: Shard) => distance(hint, shard.info().hint ?? undefined);
  const best = least(shards, (shard) => [awayOf(shard), loadOf(shard, now), shard.ledger().turn]);
  return best && hint && canGrow && awayOf(best) > NEAR ? undefined : best;
}

/** The shard with the least numbers, compared in order. The first one of equals. */
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
