/**
 * The promise that a handler, a guard or a schema returned, if it returned one.
 *
 * That is asked of `then`, as `await` does: calls between Workers return promises that are no instances of `Promise`.
 * Taken for a value, one that a guard returned would let everybody past the guards after it.
 * https://developers.cloudflare.com/workers/runtime-apis/rpc/
 */
export function promiseOf<T>(outcome: T | Promise<T>): Promise<T> | undefined {
  if (outcome instanceof Promise) return outcome;
  const isPromise = typeof (outcome as { readonly then?: unknown } | null | undefined)?.then === "function";
  return isPromise ? Promise.resolve(outcome) : undefined;
}
