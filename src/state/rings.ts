import { composed } from "./compose.ts";
import type { Ring } from "./key-rules.ts";
import type { SeenEntry } from "./seen-entry.ts";

interface Waiting {
  readonly number: number;
  readonly period: number;
  /** The entries with changes that were not delivered to the ring yet. */
  readonly entries: Set<SeenEntry>;
  dueAt: number;
  /** The number of its last delivery. */
  toldIn: number;
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
      toldIn: 0,
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

  /** @param delivery its number */
  end(now: number, delivery: number): void {
    for (const ring of this.#late) {
      if (!ring.isDue) continue;
      for (const { late } of ring.entries) if (late) late[ring.number] = undefined;
      ring.entries.clear();
      ring.dueAt = now + ring.period;
      ring.toldIn = delivery;
    }
  }

  /** The last delivery of which all rings have all changes. */
  get toldIn(): number {
    return Math.min(...this.#late.map(({ toldIn }) => toldIn));
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
