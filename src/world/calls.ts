import { CallLimit } from "../platform/call-limit.ts";
import type { Clock } from "../platform/ports.ts";
import { isRetryable, retry } from "../platform/retry.ts";

const AT_ONCE = 20;
/** How long a call is repeated, in ms. */
const PATIENCE = 5000;

/**
 * The calls of a World to rooms or shards: 20 at the same time, repeated if the platform recommends it. All of these
 * calls can be repeated safely.
 */
export class Calls {
  readonly #limit = new CallLimit(AT_ONCE);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  make<T>(call: () => Promise<T>): Promise<T> {
    return this.#limit.run(() => retry(this.#clock, PATIENCE, call, isRetryable));
  }
}
