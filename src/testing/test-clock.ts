import type { Clock } from "../platform/ports.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
  readonly handle: ReturnType<typeof setTimeout>;
}

/** A clock that runs like the real one and can be advanced. Due timers then run at once. */
export class TestClock implements Clock {
  readonly #ahead: () => number;
  readonly #timers = new Set<Timer>();

  /** @param ahead how far it is ahead of the real time, in ms */
  constructor(ahead: () => number) {
    this.#ahead = ahead;
  }

  now(): number {
    return Date.now() + this.#ahead();
  }

  after(ms: number, run: () => void): () => void {
    const fire = () => {
      if (this.#timers.delete(timer)) run();
    };
    const timer: Timer = { at: this.now() + ms, run: fire, handle: setTimeout(fire, ms) };
    this.#timers.add(timer);
    return () => this.#drop(timer);
  }

  /** When the next timer is due. Undefined if there is none. */
  next(): number | undefined {
    const times = [...this.#timers].map((timer) => timer.at);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Runs the due timers in order. */
  runDue(): void {
    const due = [...this.#timers].filter((timer) => timer.at <= this.now()).toSorted((a, b) => a.at - b.at);
    for (const timer of due) {
      clearTimeout(timer.handle);
      timer.run();
    }
  }

  #drop(timer: Timer): void {
    clearTimeout(timer.handle);
    this.#timers.delete(timer);
  }
}
