/**
 * Makes something that a module declares. Its errors are thrown when it is used instead of here, so that `wrangler dev`
 * starts and its first request shows the error. For development only.
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
