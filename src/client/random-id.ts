/**
 * 32 random hexadecimal digits. `crypto.randomUUID` does not exist on pages without TLS. React Native may have no
 * `crypto` at all, and then only `Math.random` is left.
 */
export function randomId(bytes = 16): string {
  const random = new Uint8Array(bytes);
  const { crypto } = globalThis as { readonly crypto?: Partial<Crypto> };
  if (crypto?.getRandomValues) crypto.getRandomValues(random);
  else random.forEach((_, index) => (random[index] = Math.random() * 256));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
