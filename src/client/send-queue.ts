/** A message to the room. */
export interface QueuedMessage {
  readonly action: string;
  readonly text: string;
}

/** Less than a room accepts at once by default, so that messages which waited while offline do not end in 4429. */
const MOST_WAITING = 400;
/** The maximum size of a frame with several messages in bytes, if the room accepts as much. */
const LARGEST_FRAME = 65_536;
/** The maximum number of UTF-8 bytes of a UTF-16 code unit, so that messages need not be measured. */
const WIDEST = 3;

/**
 * Sends messages in order, several in one frame if the room accepts that. Without a connection they wait. If there are
 * too many, the oldest are dropped.
 */
export class SendQueue {
  readonly #send: (messages: readonly QueuedMessage[]) => boolean;
  readonly #dropped: (message: QueuedMessage) => void;
  /** How long messages wait for others, in ms. 0 means until the end of the task. */
  readonly #delay: number;
  #waiting: QueuedMessage[] = [];
  /** Messages that were sent before and may have arrived. They are never dropped. */
  #repeated: QueuedMessage[] = [];
  #frameBytes = 0;
  #isFlushPlanned = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param send sends messages in one frame now, or returns false
   * @param dropped called with a message that will never be sent
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

  /**
   * The maximum size of a frame with several messages in bytes. 0 if the room does not accept any, or has not said so.
   */
  set frameBytes(bytes: number) {
    this.#frameBytes = Math.min(bytes, LARGEST_FRAME);
  }

  send(message: QueuedMessage): void {
    this.#waiting.push(message);
    if (this.#frameBytes > 0 && this.#waiting.length < MOST_WAITING) this.#planFlush();
    else this.flush();
  }

  /** Sends all waiting messages. */
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

  /** Queues messages again that were sent and may have been lost. They are sent first. */
  restore(sent: readonly QueuedMessage[]): void {
    this.#repeated.push(...sent);
  }

  /** There will be no further connection. @returns the messages that were never sent */
  takeWaiting(): readonly QueuedMessage[] {
    this.#cancel();
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** The message is no longer needed. */
  remove(message: QueuedMessage): void {
    this.#repeated = this.#repeated.filter((other) => other !== message);
    this.#waiting = this.#waiting.filter((other) => other !== message);
  }

  /** The first messages that fit into one frame. A message that is too large is sent alone. */
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
