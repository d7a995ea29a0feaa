/** Where a browser tells that it is `online` or `offline`. Elsewhere nobody tells. */
export const network = globalThis as unknown as Partial<EventTarget>;

/**
 * Waits, or until the signal ends it.
 * @param ms how long
 * @param isWokenOnline whether it ends when the browser says that it is online again
 */
export function pause(ms: number, signal: AbortSignal, isWokenOnline = false): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      network.removeEventListener?.("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (isWokenOnline) network.addEventListener?.("online", done);
  });
}
