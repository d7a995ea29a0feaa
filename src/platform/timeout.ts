import { REAL_CLOCK } from "./clock.ts";
import type { Clock } from "./ports.ts";

/**
 * Waits for a promise, up to a time limit in ms.
 * @param error makes the error that is thrown after the time limit
 */
export async function within<T>(
  ms: number,
  pending: Promise<T>,
  error: () => Error,
  clock: Pick<Clock, "after"> = REAL_CLOCK,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(ms, () => reject(error()), "timeout");
  return Promise.race([pending, late]).finally(cancel);
}
