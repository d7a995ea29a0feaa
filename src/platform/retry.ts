import { backoff } from "./backoff.ts";
import type { Clock } from "./ports.ts";

const FIRST_RETRY = 100;
const LONGEST_RETRY = 2000;

/**
 * Repeats a call of another object until it succeeds, with backoff.
 * @param patience for how long, in ms
 * @throws what the last attempt threw
 */
export async function retry<T>(clock: Clock, patience: number, attempt: () => Promise<T>): Promise<T> {
  const until = clock.now() + patience;
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const wait = backoff(failures, FIRST_RETRY, LONGEST_RETRY);
      if (clock.now() + wait > until) throw error;
      await new Promise<void>((resolve) => clock.after(wait, resolve, "retry"));
    }
  }
}
