import { expect } from "vitest";
import { Replay } from "./replay.ts";
import type { Dump } from "./service.ts";

/** How much later than `throttleStorage` an alarm may save: the room's own timer does, 500 ms after it, if need be. */
const GRACE = 500;
/** How late that timer may be, and an answer on its way, where others use the machine too. */
const LATENESS = 500;

interface Line {
  readonly text: string;
  /** Since when somebody outside knows of it. */
  readonly knownAt: number;
}

/** What clients know of all that a room did, in the order in which it did it; and what may be lost of it. */
export class History {
  readonly room: string;
  readonly #throttle: number;
  /** By number, which counts from 1. */
  readonly #lines: (Line | undefined)[] = [];
  readonly #sent = new Set<string>();
  /** What is known to be durable, up to this line, is folded into what follows from it. */
  #base = 0;
  #settled = new Replay();
  /** Lines that somebody knew of and that a kill took, and how old the oldest of them was. */
  lost = 0;
  oldestLost = 0;
  /** How often a client went back to what was stored. */
  wentBack = 0;

  /** @param throttle the room's `throttleStorage` */
  constructor(room: string, throttle: number) {
    this.room = room;
    this.#throttle = throttle;
  }

  /** A client asks for something that writes this. */
  asked(text: string): void {
    this.#sent.add(text);
  }

  /** Somebody was told of a line, by an answer or a patch. */
  learn(at: number, text: string, knownAt = Date.now()): void {
    const known = this.#lines[at];
    if (known) expect(text, `line ${at} of ${this.room}`).toBe(known.text);
    else this.#lines[at] = { text, knownAt };
  }

  /** The last line that somebody knows of. */
  get length(): number {
    return this.#lines.length - 1;
  }

  /** The room was killed, and is back: it has a state that it really had, and nothing is gone that must not be. */
  survived({ log, base }: Dump, boot: number, killedAt: number): void {
    // What it did since, it did after that state.
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

  /** Everything in a room fits together, and is what clients know. */
  check({ count, mirror, base, log, players, schedules }: Dump): void {
    const numbers = log.map(([at]) => at).toSorted((a, b) => a - b);
    const expected = Array.from({ length: count - base }, (_, index) => base + index + 1);
    expect([this.room, mirror, numbers]).toEqual([this.room, count, expected]);
    for (const [at, text] of log) this.learn(at, text);
    const replay = this.#replay(count);
    // Each row and the log are of the same moment.
    for (const { last, name } of players) {
      if (last.room === this.room) expect([name, last.at]).toEqual([name, replay.lastOf(name)]);
    }
    expect(Object.fromEntries(schedules), `schedules of ${this.room}`).toEqual(replay.pending);
  }

  /** The room has this durably, and forgot the lines. */
  trimmed(base: number): void {
    this.#settled = this.#replay(base);
    this.#base = base;
  }

  /** What follows from all lines up to one. */
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
