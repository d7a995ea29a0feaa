/** Browsers emit `online` and `offline` here. Elsewhere nothing does. */
export const network = globalThis as unknown as Partial<EventTarget>;

/**
 * Waits for a time, or until the signal aborts.
 * @param ms how long to wait
 * @param isWokenOnline whether to stop waiting when the browser is online again
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
    if (signal.aborted) return done();
    signal.addEventListener("abort", done);
    if (isWokenOnline) network.addEventListener?.("online", done);
  });
}
