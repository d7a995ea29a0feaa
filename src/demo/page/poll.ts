/** Each question is a request to the Worker, and one to the World: a day of the free plan has 100,000 of each. In ms. */
const INTERVAL = 30_000;
/** In ms. A shard reports new clients to its World after a second. */
const SOON = 3000;

/** The time of the page. */
export interface PageTime {
  now(): number;
  /** @returns a function that cancels it */
  after(ms: number, run: () => void): () => void;
}

const PAGE_TIME: PageTime = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Asks a question until the answer is the same twice in a row; and again when something has changed. */
export class Poll {
  readonly #ask: () => Promise<unknown>;
  readonly #time: PageTime;
  #askedAt = 0;
  #answer: string | undefined;
  #cancel: (() => void) | undefined;

  /** @param ask gets the answer. It must not reject */
  constructor(ask: () => Promise<unknown>, time = PAGE_TIME) {
    this.#ask = ask;
    this.#time = time;
  }

  /** Asks at once, and soon again. */
  start(): void {
    this.#answer = undefined;
    void this.#run(SOON);
  }

  /** Something has changed: asks again, unless that is planned. */
  changed(): void {
    if (!this.#cancel) this.#plan(Math.max(SOON, this.#askedAt + INTERVAL - this.#time.now()));
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  async #run(next: number): Promise<void> {
    this.stop();
    const at = (this.#askedAt = this.#time.now());
    const answer = JSON.stringify(await this.#ask());
    // It was started again meanwhile.
    if (at !== this.#askedAt) return;
    const isNew = answer !== this.#answer;
    this.#answer = answer;
    if (isNew) this.#plan(next);
  }

  #plan(ms: number): void {
    this.stop();
    this.#cancel = this.#time.after(ms, () => void this.#run(INTERVAL));
  }
}
