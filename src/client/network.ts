/** Where a browser tells that it is `online` or `offline`. Elsewhere nobody tells. */
export const network = globalThis as unknown as Partial<EventTarget>;

/** Waits, or until the browser says that it is online again. @param ms how long */
export function waitUntilOnline(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      network.removeEventListener?.("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    network.addEventListener?.("online", done);
  });
}
