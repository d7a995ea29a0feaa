import { CallLimit } from "../platform/call-limit.ts";
import type { Clock } from "../platform/ports.ts";
import { isRetryable, retry } from "../platform/retry.ts";

const AT_ONCE = 20;
/** For how long a call is repeated, in ms. */
const PATIENCE = 5000;

/**
 * Calls of a World to rooms or shards: 20 at the same time, and again where the platform asks for that. They are such
 * that repeating one does no harm.
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
