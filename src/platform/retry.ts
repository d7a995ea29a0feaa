import { backoff } from "./backoff.ts";
import type { Clock } from "./ports.ts";

const FIRST_RETRY = 100;
const LONGEST_RETRY = 2000;

/** What the platform says of a call that failed, on the error. */
interface PlatformError {
  /** The object did not get it, or the line to it broke. */
  readonly retryable?: boolean;
  /** The object has too much to do: repeating the call makes it worse. */
  readonly overloaded?: boolean;
}

/**
 * Whether the platform asks to repeat a call that failed.
 * https://developers.cloudflare.com/durable-objects/best-practices/error-handling/
 */
export function isRetryable(error: unknown): boolean {
  return (error as PlatformError | undefined)?.retryable === true && !isOverloaded(error);
}

/** Whether the platform asks not to repeat it. */
export function isOverloaded(error: unknown): boolean {
  return (error as PlatformError | undefined)?.overloaded === true;
}

/**
 * Repeats a call of another object until it succeeds, with backoff.
 * @param patience for how long, in ms
 * @param isWorthIt says of an error whether to go on. Default: unless the object is overloaded
 * @throws what the last attempt threw
 */
export async function retry<T>(
  clock: Clock,
  patience: number,
  attempt: () => Promise<T>,
  isWorthIt: (error: unknown) => boolean = (error) => !isOverloaded(error),
): Promise<T> {
  const until = clock.now() + patience;
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const wait = backoff(failures, FIRST_RETRY, LONGEST_RETRY);
      if (clock.now() + wait > until || !isWorthIt(error)) throw error;
      await new Promise<void>((resolve) => clock.after(wait, resolve, "retry"));
    }
  }
}
