import type { WaitingQueue } from "../../platform/waiting-queue.ts";

/** Sees a packet on its way, as text; null drops it. Never throws. */
export type Intercept = (text: string) => string | null | Promise<string | null>;

/** Keeps what waits; it may close the connection instead. */
type Queue = Pick<WaitingQueue<Item, unknown>, "push" | "shift" | "clear">;

/** Something for a client. */
export interface Item {
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
  readonly #createQueue: () => Queue;
  /** What waits for the first packet, or for an interceptor. Undefined until something has to. */
  #queue: Queue | undefined;
  /** Whether all waits for the first packet. */
  #isHeld: boolean;
  /** Whether what comes has to wait behind something that is on its way. */
  #isBusy = false;
  /** Runs when nothing is on its way any more. */
  #last: (() => void) | undefined;

  constructor(
    write: (text: string) => void,
    intercept: Intercept | undefined,
    isHeld: boolean,
    createQueue: () => Queue,
  ) {
    this.#write = write;
    this.#intercept = intercept;
    this.#isHeld = isHeld;
    this.#createQueue = createQueue;
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
    this.#isHeld = false;
    if (first !== undefined) this.packet(first);
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#drain();
  }

  /** Runs something after all that is on its way. */
  after(run: () => void): void {
    if (this.#isBusy) this.#last = run;
    else run();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#queue?.clear();
    this.#last = undefined;
  }

  #take(item: Item): void {
    if (this.#isHeld || this.#isBusy) (this.#queue ??= this.#createQueue()).push(item);
    else this.#follow(this.#send(item));
  }

  /** Sends what waits, until an interceptor takes its time. */
  #drain(): void {
    for (let item = this.#queue?.shift(); item; item = this.#queue?.shift()) {
      if (this.#follow(this.#send(item))) return;
    }
    this.#isBusy = false;
    this.#last?.();
  }

  /** @returns whether what comes next has to wait */
  #follow(pending: Promise<void> | undefined): boolean {
    if (!pending) return false;
    this.#isBusy = true;
    void pending.then(() => this.#drain());
    return true;
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
}
