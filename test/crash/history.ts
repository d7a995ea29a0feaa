import { expect } from "vitest";
import { Replay } from "./replay.ts";
import type { Dump } from "./service.ts";

/**
 * How much later than `throttleStorage` a room may save: if the alarm is late, a timer of the room saves 500 ms later.
 */
const GRACE = 500;
/** How late that timer and an answer may be on a busy machine. */
const LATENESS = 500;

interface Line {
  readonly text: string;
  /** When a client first learned of it. */
  readonly knownAt: number;
}

/** What clients know of everything that a room did, in order, and what a room may lose of it. */
export class History {
  readonly room: string;
  readonly #throttle: number;
  /** The lines by their numbers, which start at 1. */
  readonly #lines: (Line | undefined)[] = [];
  readonly #sent = new Set<string>();
  /** The lines up to this number are known to be durable. Only their result is kept. */
  #base = 0;
  #settled = new Replay();
  /** The number of lines that a client knew and a kill destroyed, and the age of the oldest of them in ms. */
  lost = 0;
  oldestLost = 0;
  /** How often a client was reset to the stored state. */
  wentBack = 0;

  /** @param throttle the room's `throttleStorage` */
  constructor(room: string, throttle: number) {
    this.room = room;
    this.#throttle = throttle;
  }

  /** A client asks the room to write this line. */
  asked(text: string): void {
    this.#sent.add(text);
  }

  /** A client learned of a line, from an answer or a patch. */
  learn(at: number, text: string, knownAt = Date.now()): void {
    const known = this.#lines[at];
    if (known) expect(text, `line ${at} of ${this.room}`).toBe(known.text);
    else this.#lines[at] = { text, knownAt };
  }

  /** The number of the last line that a client knows. */
  get length(): number {
    return this.#lines.length - 1;
  }

  /** Checks a room after a kill: its state must be one that it really had, and only recent changes may be lost. */
  survived({ log, base }: Dump, boot: number, killedAt: number): void {
    // Ignore lines of the new process. It wrote them after it had restored its state.
    const restored = log.filter(([, , other]) => Number(other) < boot);
    const count = Math.max(base, ...restored.map(([at]) => at));
    const gone = this.#lines.splice(count + 1).filter((line) => line !== undefined);
    for (const { text, knownAt } of gone) {
      const age = killedAt - knownAt;
      expect(this.#throttle, `${text} was told, and is not durable in ${this.room}`).toBeGreaterThan(0);
      expect(age, `age of ${text}, which ${this.room} lost`).toBeLessThan(this.#throttle + GRACE + LATENESS);
      this.oldestLost = Math.max(this.oldestLost, age);
    }
    this.lost += gone.length;
  }

  /** Checks that the rows of a room agree with each other, and with what clients know. */
  check({ count, mirror, base, log, players, schedules }: Dump): void {
    const numbers = log.map(([at]) => at).toSorted((a, b) => a - b);
    const expected = Array.from({ length: count - base }, (_, index) => base + index + 1);
    expect([this.room, mirror, numbers]).toEqual([this.room, count, expected]);
    for (const [at, text] of log) this.learn(at, text);
    const replay = this.#replay(count);
    // All rows must be from the same moment as the log.
    for (const { last, name } of players) {
      if (last.room === this.room) expect([name, last.at]).toEqual([name, replay.lastOf(name)]);
    }
    expect(Object.fromEntries(schedules), `schedules of ${this.room}`).toEqual(replay.pending);
  }

  /** The room has dropped these lines after they became durable. */
  trimmed(base: number): void {
    this.#settled = this.#replay(base);
    this.#base = base;
  }

  /** The result of all lines up to a number. */
  #replay(count: number): Replay {
    const replay = this.#settled.copy();
    for (let at = this.#base + 1; at <= count; at++) {
      const { text } = this.#lines[at] ?? { text: "nothing" };
      expect(text.startsWith("ran:") || this.#sent.has(text), `${text}, line ${at} of ${this.room}`).toBe(true);
      replay.take(at, text);
    }
    return replay;
  }
}
