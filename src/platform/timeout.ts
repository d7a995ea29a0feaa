/**
 * Waits for something, but not for ever.
 * @param error makes what is thrown after `ms`
 */
export async function within<T>(ms: number, pending: Promise<T>, error: () => Error): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(error()), ms);
  return Promise.race([pending, late]).finally(() => clearTimeout(timer));
}
