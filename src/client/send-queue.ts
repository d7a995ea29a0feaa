/** A message to the room. */
export interface QueuedMessage {
  readonly action: string;
  readonly text: string;
}

/** Less than what a room takes at once by default: messages that waited while offline must not end in 4429. */
const MOST_WAITING = 400;
/** The most bytes of a frame with several messages, if the room takes as much. */
const LARGEST_FRAME = 65_536;
/** How many bytes a UTF-16 unit has in UTF-8 at most: so messages that are joined are not measured. */
const WIDEST = 3;

/**
 * Sends messages in their order, several in one frame where the room takes that. Without a connection they wait; when
 * there are too many, the oldest are dropped.
 */
export class SendQueue {
  readonly #send: (messages: readonly QueuedMessage[]) => boolean;
  readonly #dropped: (message: QueuedMessage) => void;
  /** How long messages wait for others, in ms; with 0 until the end of the task. */
  readonly #delay: number;
  #waiting: QueuedMessage[] = [];
  /** These were sent before and may have arrived, so they are never dropped. */
  #repeated: QueuedMessage[] = [];
  #frameBytes = 0;
  #isFlushPlanned = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param send sends messages in one frame now, or returns false
   * @param dropped is called with a message that will never be sent
   */
  constructor(
    send: (messages: readonly QueuedMessage[]) => boolean,
    dropped: (message: QueuedMessage) => void,
    delay: number,
  ) {
    this.#send = send;
    this.#dropped = dropped;
    this.#delay = delay;
  }

  /** The most bytes of a frame that the room takes with several messages; 0 if it takes none, or has not said so. */
  set frameBytes(bytes: number) {
    this.#frameBytes = Math.min(bytes, LARGEST_FRAME);
  }

  send(message: QueuedMessage): void {
    this.#waiting.push(message);
    if (this.#frameBytes > 0 && this.#waiting.length < MOST_WAITING) this.#planFlush();
    else this.flush();
  }

  /** Sends all that waits. */
  flush(): void {
    this.#cancel();
    for (let frame = this.#nextFrame(); frame.length > 0 && this.#send(frame); frame = this.#nextFrame()) {
      const repeated = this.#repeated.splice(0, frame.length);
      this.#waiting.splice(0, frame.length - repeated.length);
    }
    for (const message of this.#waiting.splice(0, this.#waiting.length - MOST_WAITING)) this.#dropped(message);
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
    this.#cancel();
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** Nobody waits for this message any more. */
  remove(message: QueuedMessage): void {
    this.#repeated = this.#repeated.filter((other) => other !== message);
    this.#waiting = this.#waiting.filter((other) => other !== message);
  }

  /** The first messages that fit into one frame. One that is too large by itself is sent by itself. */
  #nextFrame(): QueuedMessage[] {
    const frame: QueuedMessage[] = [];
    let size = WIDEST;
    for (const message of [...this.#repeated, ...this.#waiting]) {
      size += (message.text.length + 1) * WIDEST;
      if (frame.length > 0 && size > this.#frameBytes) break;
      frame.push(message);
    }
    return frame;
  }

  #planFlush(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    const flush = () => this.#isFlushPlanned && this.flush();
    if (this.#delay > 0) this.#timer = setTimeout(flush, this.#delay);
    else queueMicrotask(flush);
  }

  #cancel(): void {
    this.#isFlushPlanned = false;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
  }
}
