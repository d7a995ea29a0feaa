import { ConnectError } from "./errors.ts";
import type { Given } from "./options.ts";

/**
 * Returns the value of an option, or calls its function for this attempt.
 *
 * @param read makes what is needed of the value
 * @throws ConnectError if a function throws
 */
export async function given<T, Result = T>(
  option: "token" | "params" | "room",
  value: Given<T>,
  read = (found: T): Result => found as unknown as Result,
): Promise<Result> {
  try {
    return read(await (typeof value === "function" ? (value as () => T | Promise<T>)() : value));
  } catch (thrown) {
    if (thrown instanceof ConnectError) throw thrown;
    // An app may throw anything.
    const message = (thrown as Error | undefined | null)?.message ?? String(thrown);
    throw new ConnectError(`${option}_failed`, `${option}() failed: ${message}`);
  }
}
