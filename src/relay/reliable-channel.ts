import { backoff } from "../platform/backoff.ts";
import { remaining } from "../platform/clock.ts";
import type { Clock } from "../platform/ports.ts";
import type { Batch, Receipt } from "./messages.ts";

/** Batches on their way at once: what comes meanwhile waits, and goes together. */
const WINDOW = 4;
/** Least time between two batches, in ms, unless the receiver asks for more. The first after a pause goes at once. */
export const SPACING = 4;
const FIRST_RETRY = 50;
const LONGEST_RETRY = 2000;
/** What a batch carries at most, and what may wait, by the items' weights: a call between objects ends at 32 MiB. */
const MAX_BATCH = 4_000_000;
const MAX_BACKLOG = 32_000_000;
/** Former lives that a receiver knows. */
const REMEMBERED = 8;

export interface ChannelCallbacks<T> {
  send(batch: Batch<T>): Promise<Receipt>;
  /** About how many bytes of a call an item takes. */
  weightOf(item: T): number;
  /** These have arrived. */
  onArrived?(items: readonly T[], receipt: Receipt): void;
  /** The receiver does not know us. Nothing more is sent until {@link ChannelSender.resume}. */
  onUnknown(): void;
  /** The receiver was silent for too long, or too much waits for it. Nothing more is sent. */
  onSilent(): void;
}

/**
 * One way between two objects: items arrive once and in order, in batches, whatever is lost or repeated on the
 * way. Costs nothing while there is nothing to send. Go-back-N: https://en.wikipedia.org/wiki/Go-Back-N_ARQ
 */
export class ChannelSender<T> {
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #callbacks: ChannelCallbacks<T>;
  readonly #life = crypto.randomUUID();
  #queue: T[] = [];
  #backlog = 0;
  #unacked: { seq: number; items: readonly T[] }[] = [];
  #seq = 0;
  #inFlight = 0;
  #nextAt = 0;
  #spacing = SPACING;
  #timer: (() => void) | undefined;
  #failingSince: number | undefined;
  #failures = 0;
  #isClosed = false;
  #isUnknown = false;

  /** @param patience how long sending may fail before the receiver counts as lost, in ms */
  constructor(clock: Clock, patience: number, callbacks: ChannelCallbacks<T>) {
    this.#clock = clock;
    this.#patience = patience;
    this.#callbacks = callbacks;
  }

  /** Whether all that was pushed has arrived. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#unacked.length === 0;
  }

  push(item: T): void {
    if (this.#isClosed) return;
    this.#queue.push(item);
    this.#backlog += this.#callbacks.weightOf(item);
    if (this.#backlog > MAX_BACKLOG) this.#giveUp();
    else this.#plan();
  }

  /** The receiver knows us now: what may not have arrived is sent again. */
  resume(): void {
    if (!this.#isUnknown) return;
    this.#isUnknown = false;
    this.#failingSince = this.#clock.now();
    this.#failures = 0;
    this.#goBack();
  }

  /** Sends nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.();
    this.#timer = undefined;
    this.#queue = [];
    this.#backlog = 0;
    this.#unacked = [];
  }

  #plan(): void {
    if (this.#timer || this.#isClosed || this.#failingSince !== undefined) return;
    if (this.#queue.length === 0 || this.#unacked.length >= WINDOW) return;
    const wait = remaining(this.#nextAt, this.#clock.now(), this.#spacing);
    this.#after(Math.max(wait, 0), () => this.#cut());
  }

  #after(ms: number, run: () => void): void {
    this.#timer = this.#clock.after(
      ms,
      () => {
        this.#timer = undefined;
        run();
      },
      "batch",
    );
  }

  #giveUp(): void {
    this.close();
    this.#callbacks.onSilent();
  }

  /** Makes a batch of what waits, or of as much as fits. */
  #cut(): void {
    let weight = 0;
    const end = this.#queue.findIndex(
      (item, index) => (weight += this.#callbacks.weightOf(item)) > MAX_BATCH && index > 0,
    );
    const items = end < 0 ? this.#queue : this.#queue.slice(0, end);
    this.#queue = end < 0 ? [] : this.#queue.slice(end);
    this.#backlog = this.#queue.reduce((sum, item) => sum + this.#callbacks.weightOf(item), 0);
    this.#unacked.push({ seq: ++this.#seq, items });
    this.#nextAt = this.#clock.now() + this.#spacing;
    void this.#transmit(this.#seq, items);
    this.#plan();
  }

  async #transmit(seq: number, items: readonly T[]): Promise<void> {
    this.#inFlight++;
    let receipt: Receipt | undefined;
    try {
      const base = this.#unacked[0]?.seq ?? seq;
      receipt = await this.#callbacks.send({ life: this.#life, seq, base, items });
    } catch {
      // Whether it arrived is unknown: it is sent again, and the receiver knows.
    }
    this.#inFlight--;
    if (this.#isClosed) return;
    if (receipt?.verdict === "ok") this.#arrived(seq, receipt);
    else if (receipt?.verdict === "unknown") this.#stop();
    else this.#failed();
  }

  /** What arrived in order has all before it arrived too. */
  #arrived(seq: number, receipt: Receipt): void {
    this.#spacing = receipt.spacing ?? SPACING;
    const arrived = this.#unacked.filter((batch) => batch.seq <= seq);
    this.#unacked = this.#unacked.filter((batch) => batch.seq > seq);
    this.#failures = 0;
    if (this.#failingSince === undefined) this.#plan();
    else {
      // It is not silent.
      this.#failingSince = this.#clock.now();
      this.#goBack();
    }
    for (const { items } of arrived) this.#callbacks.onArrived?.(items, receipt);
  }

  #failed(): void {
    this.#failingSince ??= this.#clock.now();
    this.#failures++;
    this.#goBack();
  }

  /** Sends all again that has not arrived, one by one, as soon as nothing is on its way. */
  #goBack(): void {
    const next = this.#unacked[0];
    if (!next) {
      this.#failingSince = undefined;
      this.#plan();
      return;
    }
    if (this.#inFlight > 0 || this.#timer || this.#isUnknown) return;
    if (this.#clock.now() - (this.#failingSince ?? 0) > this.#patience) {
      this.#giveUp();
      return;
    }
    const wait = this.#failures === 0 ? 0 : backoff(this.#failures - 1, FIRST_RETRY, LONGEST_RETRY);
    this.#after(wait, () => void this.#transmit(next.seq, next.items));
  }

  #stop(): void {
    this.#failingSince ??= this.#clock.now();
    if (this.#isUnknown) return;
    this.#isUnknown = true;
    this.#callbacks.onUnknown();
  }
}

/** What a receiver remembers of a channel, to take each batch once and in order. */
export class ChannelReceiver {
  #life: string | undefined;
  #last = 0;
  /** Lives of the sender that are over: what still comes from them comes too late. */
  readonly #over: string[] = [];
  /** Its memory may be older than what the sender knows to have arrived. */
  #isFresh: boolean;

  /** @param known what was remembered, by a receiver that lost its memory since */
  constructor(known?: { readonly life: string | undefined; readonly last: number }) {
    this.#life = known?.life;
    this.#last = known?.last ?? 0;
    this.#isFresh = true;
  }

  get known(): { life: string | undefined; last: number } {
    return { life: this.#life, last: this.#last };
  }

  /** Whether to take a batch: then it counts as taken. */
  judge({ life, seq, base }: Batch<unknown>): "take" | "repeated" | "gap" {
    if (this.#over.includes(life) || (life === this.#life && seq <= this.#last)) return "repeated";
    const isNext = life === this.#life ? seq === this.#last + 1 : seq === 1;
    if (!isNext && !(this.#isFresh && seq === base)) return "gap";
    if (life !== this.#life) this.#begin(life);
    this.#last = seq;
    this.#isFresh = false;
    return "take";
  }

  #begin(life: string): void {
    if (this.#life !== undefined) this.#over.push(this.#life);
    if (this.#over.length > REMEMBERED) this.#over.shift();
    this.#life = life;
  }
}
