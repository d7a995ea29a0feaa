import type { Clock } from "../../platform/ports.ts";

/** Calls back at a steady rate while it runs. It keeps the object awake, so it runs only while someone is there. */
export class Ticker {
  readonly #clock: Clock;
  readonly #period: number;
  readonly #run: (elapsedMs: number) => void;
  #cancel: (() => void) | undefined;
  #last = 0;
  #next = 0;

  constructor(clock: Clock, hz: number, run: (elapsedMs: number) => void) {
    this.#clock = clock;
    this.#period = 1000 / hz;
    this.#run = run;
  }

  start(): void {
    if (this.#cancel) return;
    this.#last = this.#next = this.#clock.now();
    this.#wait();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(): void {
    const now = this.#clock.now();
    // From the planned time, so that delays do not add up; but a room that fell behind does not race to catch up, nor
    // does one wait whose clock jumped back.
    this.#next = Math.min(Math.max(this.#next + this.#period, now), now + this.#period);
    this.#cancel = this.#clock.after(
      Math.max(this.#next - now, 1),
      () => {
        const elapsed = this.#clock.now() - this.#last;
        this.#last += elapsed;
        this.#wait();
        this.#run(Math.max(elapsed, 0));
      },
      "tick",
    );
  }
}
