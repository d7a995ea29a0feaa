import type { Clock } from "./ports.ts";

/** The time of the machine. */
export const REAL_CLOCK: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * How many ms are left until a time; 0 or less if it has passed. Never more than `longest`, so that nothing waits for
 * ever after the clock was set back.
 */
export function remaining(until: number, now: number, longest: number): number {
  return Math.min(until - now, longest);
}
