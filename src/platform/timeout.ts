import type { Clock } from "./ports.ts";

const TIMERS: Pick<Clock, "after"> = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Waits for a promise, up to a time limit.
 * @param error makes the error that is thrown after `ms`
 */
export async function within<T>(
  ms: number,
  pending: Promise<T>,
  error: () => Error,
  clock: Pick<Clock, "after"> = TIMERS,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(ms, () => reject(error()), "timeout");
  return Promise.race([pending, late]).finally(cancel);
}
