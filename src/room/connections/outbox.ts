import type { SentFrame } from "../../platform/ports.ts";
import type { WaitingQueue } from "../../platform/waiting-queue.ts";

/** Gets a packet as text before it is sent, and returns what to send; null drops it. Never throws. */
export type Intercept = (text: string) => SentFrame | null | Promise<SentFrame | null>;

/** Keeps the items that wait. It may close the connection instead of taking one more. */
type Queue = Pick<WaitingQueue<Item, unknown>, "push" | "shift" | "remove" | "weightOf" | "clear">;

/** While a client does not confirm, so many characters of packets are held back for it, and then of answers. */
const MOST_PACKETS = 256_000;
const MOST_ANSWERS = 256_000;

/** A packet, an ack or an error. */
export interface Item {
  readonly frame: SentFrame;
  /** Whether an interceptor sees it. */
  readonly isPacket: boolean;
  /** Whether it is a patch: one that waits is in the difference that a client gets who was stopped. */
  readonly isPatch?: boolean;
  /** It takes the place of a packet with the same name that waits. */
  readonly latest?: string | undefined;
}

/**
 * Sends the items of one connection in order: while an interceptor works on a packet, those after it wait. Without an
 * interceptor, items are written at once.
 */
export class Outbox {
  readonly #write: (frame: SentFrame) => void;
  readonly #intercept: Intercept | undefined;
  readonly #createQueue: () => Queue;
  /** Items that wait for the first packet, or for an interceptor. Undefined until one has to. */
  #queue: Queue | undefined;
  /** Whether all items wait for the first packet. */
  #isHeld: boolean;
  /** Whether that is since the client does not confirm: then only so much waits. */
  #isStopped = false;
  /** The packet that goes before all that wait. */
  #first: SentFrame | undefined;
  /** Whether new items have to wait, since an interceptor works on one. */
  #isBusy = false;
  /** Runs when no item is on its way any more. */
  #last: (() => void) | undefined;

  constructor(
    write: (frame: SentFrame) => void,
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
  packet(frame: SentFrame, latest?: string): void {
    this.#take({ frame, isPacket: true, latest });
  }

  patch(frame: SentFrame): void {
    this.#take({ frame, isPacket: true, isPatch: true });
  }

  /** An ack or an error, which is sent as it is. */
  plain(frame: SentFrame): void {
    this.#take({ frame, isPacket: false });
  }

  /**
   * Holds back all that comes, until {@link open}: answers, and packets as long as they are not too many. Of those, the
   * oldest are dropped.
   */
  hold(): void {
    this.#isHeld = this.#isStopped = true;
    this.#queue?.remove(({ isPatch }) => isPatch === true, Infinity);
  }

  /** Whether so many answers are held back that no more messages are to be handled. */
  get isClogged(): boolean {
    return (this.#queue?.weightOf(isAnswer) ?? 0) >= MOST_ANSWERS;
  }

  /** Sends the first packet, if one is given, and then what was held back. */
  open(first?: SentFrame): void {
    this.#isHeld = this.#isStopped = false;
    this.#first = first;
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#drain();
  }

  /** Runs something after all items that are on their way. */
  after(run: () => void): void {
    if (this.#isBusy) this.#last = run;
    else run();
  }

  /** Drops all items that wait. */
  clear(): void {
    this.#queue?.clear();
    this.#last = undefined;
  }

  #take(item: Item): void {
    if (this.#isHeld || this.#isBusy) this.#keep(item);
    else this.#follow(this.#send(item));
  }

  #keep(item: Item): void {
    const queue = (this.#queue ??= this.#createQueue());
    const { latest } = item;
    if (latest !== undefined) queue.remove((other) => other.latest === latest);
    queue.push(item, this.#isStopped && item.isPacket);
    while (this.#isStopped && queue.weightOf(isDroppable) > MOST_PACKETS) queue.remove(isDroppable);
  }

  /** Sends waiting items, until an interceptor returns a promise, or the client has to confirm first. */
  #drain(): void {
    for (let item = this.#next(); item; item = this.#next()) {
      if (this.#follow(this.#send(item))) return;
    }
    this.#isBusy = false;
    this.#last?.();
  }

  #next(): Item | undefined {
    const frame = this.#first;
    this.#first = undefined;
    if (frame !== undefined) return { frame, isPacket: true };
    return this.#isHeld ? undefined : this.#queue?.shift();
  }

  /** @returns whether the next item has to wait */
  #follow(pending: Promise<void> | undefined): boolean {
    if (!pending) return false;
    this.#isBusy = true;
    void pending.then(() => this.#drain());
    return true;
  }

  #send({ frame, isPacket }: Item): Promise<void> | undefined {
    // Where there is an interceptor, packets are text until it has seen them.
    const outcome = isPacket && this.#intercept && typeof frame === "string" ? this.#intercept(frame) : frame;
    if (outcome instanceof Promise) return outcome.then((packet) => this.#writeUnlessDropped(packet));
    this.#writeUnlessDropped(outcome);
    return undefined;
  }

  #writeUnlessDropped(packet: SentFrame | null): void {
    if (packet !== null) this.#write(packet);
  }
}

function isDroppable(item: Item): boolean {
  return item.isPacket;
}

function isAnswer(item: Item): boolean {
  return !item.isPacket;
}
