/** 32 hexadecimal digits that nobody guesses. `crypto.randomUUID` is not there on pages without TLS. */
export function randomId(bytes = 16): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
