/**
 * Pseudorandom numbers from a seed, so that a run can be repeated.
 * https://en.wikipedia.org/wiki/Linear_congruential_generator
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** @returns a number from 0 to less than 1 */
  next(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 2 ** 32;
  }

  /** @returns a whole number from 0 to less than the limit */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(part: number): boolean {
    return this.next() < part;
  }

  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** An independent sequence of numbers, which does not depend on when the numbers of this one are used. */
  fork(): Random {
    return new Random(this.below(2 ** 32));
  }
}
