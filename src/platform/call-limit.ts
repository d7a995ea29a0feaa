/** Limits how many calls run at the same time. Further calls wait for their turn. */
export class CallLimit {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param atOnce how many calls may run at the same time */
  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await call();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
