import { HZ } from "../src/arena";
import type { Position } from "../src/arena";

type Positions = Readonly<Record<string, Position>>;

const TICK = 1000 / HZ;
/** What is shown is so old: two ticks, so that one may be late. ms */
const DELAY = 2 * TICK;
const KEPT = 20;

/**
 * Makes smooth movement of 20 positions a second: it shows what was true a moment ago, between two ticks that are
 * both known. The ticks' own numbers say when each was, not when its packet happened to come.
 */
export class Timeline {
  #snapshots: { readonly tick: number; readonly positions: Positions }[] = [];
  /** When tick 0 was, by the clock of this page: by the packets that came soonest. ms */
  #start: number | undefined;

  /** @param now when the packet came, in ms */
  add(tick: number, now: number, positions: Positions): void {
    const last = this.#snapshots.at(-1);
    // The room began anew.
    if (last && tick < last.tick) this.clear();
    if (last?.tick === tick) this.#snapshots.pop();
    const start = now - tick * TICK;
    // The two clocks drift apart by and by, and a room that is busy has longer ticks.
    this.#start = this.#start === undefined ? start : Math.min(start, this.#start + (start - this.#start) * 0.02);
    this.#snapshots.push({ tick, positions });
    if (this.#snapshots.length > KEPT) this.#snapshots.shift();
  }

  clear(): void {
    this.#snapshots = [];
    this.#start = undefined;
  }

  /** Where everybody is to be shown. */
  at(now: number): Map<string, Position> {
    const tick = (now - DELAY - (this.#start ?? 0)) / TICK;
    const after = this.#snapshots.find((snapshot) => snapshot.tick >= tick) ?? this.#snapshots.at(-1);
    if (!after) return new Map();
    const before = this.#snapshots.findLast((snapshot) => snapshot.tick < after.tick && snapshot.tick <= tick) ?? after;
    const span = after.tick - before.tick;
    const part = span > 0 ? Math.min((tick - before.tick) / span, 1) : 1;
    const between = ([id, to]: [string, Position]): [string, Position] => {
      const from = before.positions[id] ?? to;
      return [id, { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part }];
    };
    return new Map(Object.entries(after.positions).map(between));
  }
}
