import type { SentFrame } from "../../platform/ports.ts";
import type { WaitingQueue } from "../../platform/waiting-queue.ts";

/** Gets a packet as text before it is sent, and returns the packet to send. Null drops it. Never throws. */
export type Intercept = (text: string) => SentFrame | null | Promise<SentFrame | null>;

/** Stores waiting items. It may close the connection instead of accepting another one. */
type Queue = Pick<WaitingQueue<Item, unknown>, "push" | "shift" | "remove" | "weightOf" | "clear">;

/** How many characters of packets, and of answers, are held back while a client does not confirm. */
const MOST_PACKETS = 256_000;
const MOST_ANSWERS = 256_000;

/** A packet, an acknowledgement or an error. */
export interface Item {
  readonly frame: SentFrame;
  /** Whether an interceptor sees it. */
  readonly isPacket: boolean;
  /** Whether it is a patch. A waiting patch is included in the merged patch for a stopped client. */
  readonly isPatch?: boolean;
  /** It replaces a waiting packet with the same name. */
  readonly latest?: string | undefined;
}

/**
 * Sends the items of one connection in order. While an interceptor works on a packet, later items wait. Without an
 * interceptor, items are written at once.
 */
export class Outbox {
  readonly #write: (frame: SentFrame) => void;
  readonly #intercept: Intercept | undefined;
  readonly #createQueue: () => Queue;
  /** Items that wait for the first packet, or for an interceptor. Undefined while there are none. */
  #queue: Queue | undefined;
  /** Whether all items wait for the first packet. */
  #isHeld: boolean;
  /** Whether they wait because the client does not confirm. Then their size is limited. */
  #isStopped = false;
  /** A packet that is sent before all waiting ones. */
  #first: SentFrame | undefined;
  /** Whether new items have to wait, because an interceptor works on one. */
  #isBusy = false;
  /** Called when all items are sent. */
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

  /** Sends a packet, which an interceptor may change. */
  packet(frame: SentFrame, latest?: string): void {
    this.#take({ frame, isPacket: true, latest });
  }

  patch(frame: SentFrame): void {
    this.#take({ frame, isPacket: true, isPatch: true });
  }

  /** Sends an acknowledgement or an error unchanged. */
  plain(frame: SentFrame): void {
    this.#take({ frame, isPacket: false });
  }

  /**
   * Holds back all items until {@link open}: answers, and packets up to a limit. Beyond it, the oldest packets are
   * dropped.
   */
  hold(): void {
    this.#isHeld = this.#isStopped = true;
    this.#queue?.remove(({ isPatch }) => isPatch === true, Infinity);
  }

  /** Whether so many answers are held back that no further messages should be handled. */
  get isClogged(): boolean {
    return (this.#queue?.weightOf(isAnswer) ?? 0) >= MOST_ANSWERS;
  }

  /** Sends the first packet, if given, and the held-back items. */
  open(first?: SentFrame): void {
    this.#isHeld = this.#isStopped = false;
    this.#first = first;
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#drain();
  }

  /** Calls a function after all present items were sent. */
  after(run: () => void): void {
    if (this.#isBusy) this.#last = run;
    else run();
  }

  /** Drops all waiting items. */
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
    // With an interceptor, packets are text until it has seen them.
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
