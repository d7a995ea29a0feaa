import type { Clock } from "../platform/ports.ts";
import type { Reason } from "../platform/metrics.ts";

/**
 * Tracks what keeps an object awake: timers, pending calls and requests, and WebSockets without hibernation. The time
 * in which anything does is also the billed time, except for short computations.
 * https://developers.cloudflare.com/durable-objects/concepts/durable-object-lifecycle/
 */
export class Awake {
  readonly #clock: Clock;
  readonly #reasons = new Set<Omit<Reason, "count">>();
  #since = 0;
  #ms = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** In the order in which they began. */
  get reasons(): readonly Omit<Reason, "count">[] {
    return [...this.#reasons];
  }

  /** How long there was any reason, in ms. */
  get ms(): number {
    return this.#ms + (this.#reasons.size > 0 ? this.#clock.now() - this.#since : 0);
  }

  /** Begins a reason. @returns a function that ends it */
  begin(why: string): () => void {
    const reason = { why, since: this.#clock.now() };
    if (this.#reasons.size === 0) this.#since = reason.since;
    this.#reasons.add(reason);
    return () => {
      if (this.#reasons.delete(reason) && this.#reasons.size === 0) this.#ms += this.#clock.now() - this.#since;
    };
  }

  /** Adds a reason until a promise resolves or rejects. */
  async during<T>(why: string, pending: Promise<T>): Promise<T> {
    const end = this.begin(why);
    try {
      return await pending;
    } finally {
      end();
    }
  }

  /** A clock whose timers count as reasons. */
  get clock(): Clock {
    const clock = this.#clock;
    return {
      now: () => clock.now(),
      after: (ms, run, why = "timer") => {
        const end = this.begin(why);
        const cancel = clock.after(ms, () => {
          end();
          run();
        });
        return () => {
          end();
          cancel();
        };
      },
    };
  }
}
