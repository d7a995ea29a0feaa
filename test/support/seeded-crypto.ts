import { vi } from "vitest";
import { randomFrom } from "../netcode/virtual-network.ts";

/**
 * While this runs, ids, slots and other random values depend only on a seed, so that a counterexample can be repeated.
 */
export async function withSeed<T>(seed: number, run: () => Promise<T>): Promise<T> {
  const random = randomFrom(seed);
  const fill = <A extends ArrayBufferView | null>(array: A): A => {
    const bytes = array && new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    bytes?.forEach((_, index) => (bytes[index] = random() * 256));
    return array;
  };
  const values = vi.spyOn(crypto, "getRandomValues").mockImplementation(fill);
  const uuid = vi.spyOn(crypto, "randomUUID").mockImplementation(() => {
    const hex = Array.from(fill(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  });
  try {
    return await run();
  } finally {
    values.mockRestore();
    uuid.mockRestore();
  }
}
