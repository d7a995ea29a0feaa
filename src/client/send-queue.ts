/** A message to the room. */
export interface QueuedMessage {
  readonly action: string;
  readonly text: string;
}

/** Less than what a room takes at once by default: messages that waited while offline must not end in 4429. */
const MOST_WAITING = 400;

/** Sends messages in their order. Without a connection they wait; when there are too many, the oldest are dropped. */
export class SendQueue {
  readonly #send: (message: QueuedMessage) => boolean;
  readonly #dropped: (message: QueuedMessage) => void;
  #waiting: QueuedMessage[] = [];
  /** These were sent before and may have arrived, so they are never dropped. */
  #repeated: QueuedMessage[] = [];

  /**
   * @param send sends a message now, or returns false
   * @param dropped is called with a message that will never be sent
   */
  constructor(send: (message: QueuedMessage) => boolean, dropped: (message: QueuedMessage) => void) {
    this.#send = send;
    this.#dropped = dropped;
  }

  send(message: QueuedMessage): void {
    if (this.#send(message)) return;
    this.#waiting.push(message);
    const oldest = this.#waiting.length > MOST_WAITING ? this.#waiting.shift() : undefined;
    if (oldest) this.#dropped(oldest);
  }

  /** The connection is open. */
  flush(): void {
    const messages = [...this.#repeated, ...this.#waiting];
    this.#repeated = [];
    this.#waiting = [];
    for (const message of messages) this.send(message);
  }

  isWaiting(message: QueuedMessage): boolean {
    return this.#repeated.includes(message) || this.#waiting.includes(message);
  }

  /** Queues messages again that were sent and may have been lost: they go before all others. */
  restore(sent: readonly QueuedMessage[]): void {
    this.#repeated.push(...sent);
  }

  /** No connection will come. @returns the messages that were never sent */
  takeWaiting(): readonly QueuedMessage[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** Nobody waits for this message any more. */
  remove(message: QueuedMessage): void {
    this.#repeated = this.#repeated.filter((other) => other !== message);
    this.#waiting = this.#waiting.filter((other) => other !== message);
  }
}
