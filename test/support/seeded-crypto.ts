import { AsyncLocalStorage } from "node:async_hooks";
import { vi } from "vitest";
import { randomFrom } from "../netcode/virtual-network.ts";

/** The generator of the code that runs, if it was started by {@link withSeed}. */
const generator = new AsyncLocalStorage<() => number>();

/**
 * Runs this with ids, slots and other random values that depend only on a seed, so that a counterexample can be
 * repeated. Other code gets usual values meanwhile: objects of earlier tests are in the same process, and may wake.
 */
export async function withSeed<T>(seed: number, run: () => Promise<T>): Promise<T> {
  const random = randomFrom(seed);
  const isOwn = () => generator.getStore() === random;
  const usual = { values: crypto.getRandomValues.bind(crypto), uuid: crypto.randomUUID.bind(crypto) };
  const fill = <A extends ArrayBufferView | null>(array: A): A => {
    const bytes = array && new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    bytes?.forEach((_, index) => (bytes[index] = random() * 256));
    return array;
  };
  const values = vi
    .spyOn(crypto, "getRandomValues")
    .mockImplementation((array) => (isOwn() ? fill(array) : usual.values(array)));
  const uuid = vi.spyOn(crypto, "randomUUID").mockImplementation(() => {
    if (!isOwn()) return usual.uuid();
    const hex = Array.from(fill(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  });
  try {
    return await generator.run(random, run);
  } finally {
    values.mockRestore();
    uuid.mockRestore();
  }
}
