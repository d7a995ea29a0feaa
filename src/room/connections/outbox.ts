/** Sees a packet on its way, as text; null drops it. Never throws. */
export type Intercept = (text: string) => string | null | Promise<string | null>;

interface Item {
  readonly text: string;
  /** Whether an interceptor sees it. */
  readonly isPacket: boolean;
}

/**
 * What goes to one connection, in order: however long an interceptor takes for a packet, what follows waits
 * behind it. Without an interceptor everything goes straight through.
 */
export class Outbox {
  readonly #write: (text: string) => void;
  readonly #intercept: Intercept | undefined;
  #tail: Promise<void> | undefined;
  /** What is held back until the first packet. */
  #held: Item[] | undefined;

  constructor(write: (text: string) => void, intercept: Intercept | undefined, isHeld: boolean) {
    this.#write = write;
    this.#intercept = intercept;
    this.#held = isHeld ? [] : undefined;
  }

  /** A packet, which an interceptor may change. */
  packet(text: string): void {
    this.#take({ text, isPacket: true });
  }

  /** An ack or an error, which goes out as it is. */
  plain(text: string): void {
    this.#take({ text, isPacket: false });
  }

  /** Lets out what was held back, after a first packet if there is one that goes this way. */
  open(first?: string): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    if (first !== undefined) this.packet(first);
    for (const item of held) this.#take(item);
  }

  /** Runs something after all that is on its way. */
  after(run: () => void): void {
    if (this.#tail) void this.#tail.then(run);
    else run();
  }

  #take(item: Item): void {
    if (this.#held) this.#held.push(item);
    else if (this.#tail) this.#follow(this.#tail.then(() => this.#send(item)));
    else {
      const pending = this.#send(item);
      if (pending) this.#follow(pending);
    }
  }

  #send({ text, isPacket }: Item): Promise<void> | undefined {
    const outcome = isPacket && this.#intercept ? this.#intercept(text) : text;
    if (outcome instanceof Promise) return outcome.then((packet) => this.#writeUnlessDropped(packet));
    this.#writeUnlessDropped(outcome);
    return undefined;
  }

  #writeUnlessDropped(packet: string | null): void {
    if (packet !== null) this.#write(packet);
  }

  #follow(pending: Promise<void>): void {
    const tail = pending.then(() => {
      if (this.#tail === tail) this.#tail = undefined;
    });
    this.#tail = tail;
  }
}
