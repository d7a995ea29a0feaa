/** Asks the browser's storage, which may refuse: in a frame of another site, for example. */
export function keptBy<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
