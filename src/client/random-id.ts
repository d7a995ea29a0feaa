/**
 * 32 hexadecimal digits that nobody guesses. `crypto.randomUUID` is not there on pages without TLS. In React Native there
 * may be no `crypto` at all, and then nothing better than `Math.random`.
 */
export function randomId(bytes = 16): string {
  const random = new Uint8Array(bytes);
  const { crypto } = globalThis as { readonly crypto?: Partial<Crypto> };
  if (crypto?.getRandomValues) crypto.getRandomValues(random);
  else random.forEach((_, index) => (random[index] = Math.random() * 256));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
