/** A message on its way to the room. */
export interface Letter {
  readonly action: string;
  readonly text: string;
}

/** Below what a room takes at once by default: what waited through a long absence must not end in 4429. */
const MOST_WAITING = 400;

/** Messages in their order. Without a connection they wait, and the oldest give way when there are too many. */
export class Outbox {
  readonly #send: (text: string) => boolean;
  readonly #dropped: (letter: Letter) => void;
  #waiting: Letter[] = [];
  /** These were sent before, so nobody may say that they were not: they give way to none. */
  #repeated: Letter[] = [];

  /**
   * @param send sends text now, or returns false
   * @param dropped is told what will never be sent
   */
  constructor(send: (text: string) => boolean, dropped: (letter: Letter) => void) {
    this.#send = send;
    this.#dropped = dropped;
  }

  post(letter: Letter): void {
    if (this.#send(letter.text)) return;
    this.#waiting.push(letter);
    const oldest = this.#waiting.length > MOST_WAITING ? this.#waiting.shift() : undefined;
    if (oldest) this.#dropped(oldest);
  }

  /** The connection is open. */
  flush(): void {
    const letters = [...this.#repeated, ...this.#waiting];
    this.#repeated = [];
    this.#waiting = [];
    for (const letter of letters) this.post(letter);
  }

  isWaiting(letter: Letter): boolean {
    return this.#repeated.includes(letter) || this.#waiting.includes(letter);
  }

  /** What was sent, and may have been lost, is to be sent again before all else. */
  restore(sent: readonly Letter[]): void {
    this.#repeated.push(...sent);
  }

  /** Nobody waits for it any more. */
  withdraw(letter: Letter): void {
    this.#repeated = this.#repeated.filter((other) => other !== letter);
    this.#waiting = this.#waiting.filter((other) => other !== letter);
  }
}
