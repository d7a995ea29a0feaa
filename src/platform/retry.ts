import { backoff } from "./backoff.ts";
import type { Clock } from "./ports.ts";

const FIRST_RETRY = 100;
const LONGEST_RETRY = 2000;

/** The properties that the platform sets on the error of a failed call. */
interface PlatformError {
  /** The object did not receive the call, or the connection to it broke. */
  readonly retryable?: boolean;
  /** The object is overloaded: repeating the call makes it worse. */
  readonly overloaded?: boolean;
}

/**
 * Whether the platform recommends to repeat a failed call.
 * https://developers.cloudflare.com/durable-objects/best-practices/error-handling/
 */
export function isRetryable(error: unknown): boolean {
  return (error as PlatformError | undefined)?.retryable === true && !isOverloaded(error);
}

/** Whether the platform advises against repeating the call. */
export function isOverloaded(error: unknown): boolean {
  return (error as PlatformError | undefined)?.overloaded === true;
}

/**
 * Repeats a call of another object until it succeeds, with backoff.
 * @param patience how long to try, in ms
 * @param isWorthIt whether to try again after an error. Default: unless the object is overloaded
 * @throws the error of the last attempt
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
