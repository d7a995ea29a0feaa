/**
 * Makes something that a module declares. What is wrong with it is thrown when it is used, not here: then `wrangler dev`
 * starts all the same, and its first request shows the error. For development only.
 */
export function postponed<T extends object>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    return new Proxy<object>(
      {},
      {
        get() {
          throw error;
        },
      },
    ) as T;
  }
}
