/**
 * How long to wait before the next attempt: twice as long after each failure.
 * @param failures how many attempts failed before this one, from 0
 * @param first the wait after the first failure, in ms
 * @param longest the longest wait, in ms
 * @see https://en.wikipedia.org/wiki/Exponential_backoff
 */
export function backoff(failures: number, first: number, longest: number): number {
  return Math.min(first * 2 ** failures, longest);
}
