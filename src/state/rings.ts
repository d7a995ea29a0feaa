import { isPlain } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import type { Ring } from "./key-rules.ts";
import { WHOLE } from "./seen-entry.ts";
import type { SeenEntry } from "./seen-entry.ts";

interface Waiting {
  readonly number: number;
  readonly period: number;
  /** The entries with changes that were not delivered to the ring yet. */
  readonly entries: Set<SeenEntry>;
  dueAt: number;
  isDue: boolean;
}

/** Collects the changes of distant entries, which are delivered less often. */
export class Rings {
  readonly #late: readonly Waiting[];

  constructor(rings: readonly Ring[]) {
    const all = rings.map(({ period }, index): Waiting => ({
      number: index + 1,
      period,
      entries: new Set(),
      dueAt: 0,
      isDue: false,
    }));
    this.#late = all.filter(({ period }) => period > 0);
  }

  /** Adds a change of an entry. */
  add(entry: SeenEntry): void {
    const late = (entry.late ??= []);
    for (const { number, entries } of this.#late) {
      late[number] = composed(late[number], entry.change);
      entries.add(entry);
    }
  }

  forget(entry: SeenEntry): void {
    for (const { entries } of this.#late) entries.delete(entry);
  }

  /**
   * Decides which rings are delivered now. @param isAll whether all of them are @returns the entries to deliver to them
   */
  begin(now: number, isAll: boolean): Iterable<SeenEntry> {
    for (const ring of this.#late) ring.isDue = ring.entries.size > 0 && (isAll || ring.dueAt <= now);
    return this.#late.flatMap(({ isDue, entries }) => (isDue ? [...entries] : []));
  }

  end(now: number): void {
    for (const ring of this.#late) {
      if (!ring.isDue) continue;
      for (const { late } of ring.entries) if (late) late[ring.number] = undefined;
      ring.entries.clear();
      ring.dueAt = now + ring.period;
    }
  }

  /** Whether changes are delivered to a ring less often than to others. */
  isLate(ring: number): boolean {
    return this.#late.some(({ number }) => number === ring);
  }

  isDue(ring: number): boolean {
    return this.#late.find(({ number }) => number === ring)?.isDue !== false;
  }

  /** When the next delivery is due. Infinity if nothing waits. */
  get dueAt(): number {
    return Math.min(...this.#late.map(({ entries, dueAt }) => (entries.size > 0 ? dueAt : Infinity)));
  }
}

/** Combines two changes. WHOLE if one patch cannot express both. */
function composed(before: unknown, next: unknown): unknown {
  if (before === undefined) return next;
  if (before === WHOLE || !isPlain(before) || !isPlain(next)) return WHOLE;
  return compose(before, next) ?? WHOLE;
}

function compose(before: Plain, next: Plain): Plain | undefined {
  const both = { ...before };
  for (const [key, value] of Object.entries(next)) {
    const prior = both[key];
    if (hasPath(key)) return undefined;
    if (!isPlain(value) || prior === undefined) both[key] = value;
    else {
      // The result of merging into a value that is not an object depends on that value.
      const inner = isPlain(prior) ? compose(prior, value) : undefined;
      if (!inner) return undefined;
      both[key] = inner;
    }
  }
  return Object.keys(before).some(hasPath) ? undefined : both;
}

/** A name with dots belongs to the removal before it. */
function hasPath(key: string): boolean {
  return key.includes(".");
}
