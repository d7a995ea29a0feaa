import type { Position, SeenEntry } from "./seen-entry.ts";

/** An entry that is shown already counts as this much nearer, so that two at the same distance do not alternate. */
const BONUS = 0.9;

/**
 * The nearest of some entries.
 * @param shown the entries that are shown already
 */
export function nearestOf(
  limit: number,
  from: Position,
  entries: readonly SeenEntry[],
  shown: ReadonlySet<SeenEntry> | undefined,
): Set<SeenEntry> {
  if (entries.length <= limit) return new Set(entries);
  const ranked = entries.map((entry) => ({ entry, far: distance(from, entry.at) * (shown?.has(entry) ? BONUS : 1) }));
  // The order has to be the same after hibernation: entries at the same distance are ordered by key.
  ranked.sort((one, other) => one.far - other.far || (one.entry.key < other.entry.key ? -1 : 1));
  return new Set(ranked.slice(0, limit).map(({ entry }) => entry));
}

function distance(from: Position, to: Position = []): number {
  return Math.hypot(...from.map((coordinate, index) => coordinate - (to[index] ?? NaN)));
}
