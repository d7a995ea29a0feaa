import { backoff } from "../platform/backoff.ts";
import { remaining } from "../platform/clock.ts";
import type { Clock } from "../platform/ports.ts";
import { isOverloaded } from "../platform/retry.ts";
import type { Batch, Receipt } from "./messages.ts";

/** The maximum number of unacknowledged batches. Items that are pushed meanwhile wait, and are sent in one batch. */
const WINDOW = 4;
/**
 * The minimum time between two batches, in ms, unless the receiver asks for more. After a pause the first is sent at
 * once.
 */
export const SPACING = 4;
const FIRST_RETRY = 50;
const LONGEST_RETRY = 2000;
/** After this many failures, the delay is the longest. */
const LONG = 6;
/** The maximum weight of one batch. A call between objects may have 32 MiB. */
const MAX_BATCH = 4_000_000;
/** The number of earlier lives of the sender that a receiver remembers. */
const REMEMBERED = 8;

/** An item to send. */
export interface QueuedItem<T, O> {
  readonly item: T;
  readonly weight: number;
  /** The client that the item is counted for. */
  readonly owner: O | undefined;
}

export interface ChannelCallbacks<T, O> {
  send(batch: Batch<T>): Promise<Receipt>;
  /** The approximate size of an item in a call, in bytes. */
  weightOf(item: T): number;
  /** These items have arrived. */
  onArrived?(entries: readonly QueuedItem<T, O>[], receipt: Receipt): void;
  /** The receiver does not know this sender. Nothing is sent until {@link ChannelSender.resume}. */
  onUnknown(): void;
  /** The receiver was silent for too long. Nothing more is sent. */
  onSilent(): void;
}

/**
 * One direction between two objects. Items arrive once and in order, in batches, even if calls are lost or repeated. It
 * costs nothing while there is nothing to send. Go-back-N: https://en.wikipedia.org/wiki/Go-Back-N_ARQ
 *
 * It has no limit of its own: callers have to watch {@link ChannelSender.backlog}, and call {@link
 * ChannelSender.discard}.
 */
export class ChannelSender<T, O = undefined> {
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #callbacks: ChannelCallbacks<T, O>;
  readonly #life = crypto.randomUUID();
  #queue: QueuedItem<T, O>[] = [];
  #backlog = 0;
  #unacked: { seq: number; entries: readonly QueuedItem<T, O>[] }[] = [];
  #seq = 0;
  #inFlight = 0;
  #nextAt = 0;
  #spacing = SPACING;
  #timer: (() => void) | undefined;
  #failingSince: number | undefined;
  #failures = 0;
  #isClosed = false;
  #isUnknown = false;

  /** @param patience how long sending may fail before the receiver is considered lost, in ms */
  constructor(clock: Clock, patience: number, callbacks: ChannelCallbacks<T, O>) {
    this.#clock = clock;
    this.#patience = patience;
    this.#callbacks = callbacks;
  }

  /** Whether all items have arrived. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#unacked.length === 0;
  }

  /** The weight of the items that are not in a batch yet. */
  get backlog(): number {
    return this.#backlog;
  }

  push(item: T, owner?: O): void {
    if (this.#isClosed) return;
    const weight = this.#callbacks.weightOf(item);
    this.#queue.push({ item, weight, owner });
    this.#backlog += weight;
    this.#plan();
  }

  /** The owners of items that may not have arrived. */
  owners(): Set<O> {
    const entries = [...this.#unacked.flatMap((batch) => batch.entries), ...this.#queue];
    return new Set(entries.flatMap(({ owner }) => owner ?? []));
  }

  /** Drops some of the items that are not in a batch yet. */
  discard(isDiscarded: (entry: QueuedItem<T, O>) => boolean): void {
    this.#queue = this.#queue.filter((entry) => !isDiscarded(entry));
    this.#backlog = this.#queue.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** The receiver knows this sender now: sends the batches that may not have arrived again. */
  resume(): void {
    if (!this.#isUnknown) return;
    this.#isUnknown = false;
    this.#failingSince = this.#clock.now();
    this.#failures = 0;
    this.#goBack();
  }

  /** Stops sending. */
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
    this.#callbacks.onSilent();
    this.close();
  }

  /** Makes a batch of the waiting items, as many as fit. */
  #cut(): void {
    let weight = 0;
    const end = this.#queue.findIndex((entry, index) => (weight += entry.weight) > MAX_BATCH && index > 0);
    const entries = end < 0 ? this.#queue : this.#queue.slice(0, end);
    this.#queue = end < 0 ? [] : this.#queue.slice(end);
    this.#backlog -= entries.reduce((sum, entry) => sum + entry.weight, 0);
    // All waiting items may have been dropped.
    if (entries.length === 0) return;
    this.#unacked.push({ seq: ++this.#seq, entries });
    this.#nextAt = this.#clock.now() + this.#spacing;
    void this.#transmit(this.#seq, entries);
    this.#plan();
  }

  async #transmit(seq: number, entries: readonly QueuedItem<T, O>[]): Promise<void> {
    this.#inFlight++;
    let receipt: Receipt | undefined;
    try {
      const base = this.#unacked[0]?.seq ?? seq;
      const items = entries.map(({ item }) => item);
      receipt = await this.#callbacks.send({ life: this.#life, seq, base, items });
    } catch (error) {
      // The batch may have arrived or not. It is sent again, and the receiver recognizes it. An overloaded receiver is
      // left alone for the longest delay.
      if (isOverloaded(error)) this.#failures = Math.max(this.#failures, LONG);
    }
    this.#inFlight--;
    if (this.#isClosed) return;
    if (receipt?.verdict === "ok") this.#arrived(seq, receipt);
    else if (receipt?.verdict === "unknown") this.#stop();
    else this.#failed();
  }

  /** A batch arrived, and with it all earlier ones, since they arrive in order. */
  #arrived(seq: number, receipt: Receipt): void {
    this.#spacing = receipt.spacing ?? SPACING;
    const arrived = this.#unacked.filter((batch) => batch.seq <= seq);
    this.#unacked = this.#unacked.filter((batch) => batch.seq > seq);
    this.#failures = 0;
    if (this.#failingSince === undefined) this.#plan();
    else {
      // The receiver is not silent.
      this.#failingSince = this.#clock.now();
      this.#goBack();
    }
    for (const { entries } of arrived) this.#callbacks.onArrived?.(entries, receipt);
  }

  #failed(): void {
    this.#failingSince ??= this.#clock.now();
    this.#failures++;
    this.#goBack();
  }

  /** Sends all batches that have not arrived again, one by one, as soon as no call is running. */
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
    this.#after(wait, () => void this.#transmit(next.seq, next.entries));
  }

  #stop(): void {
    this.#failingSince ??= this.#clock.now();
    if (this.#isUnknown) return;
    this.#isUnknown = true;
    this.#callbacks.onUnknown();
  }
}

/** The memory of a receiver, which takes each batch once and in order. */
export class ChannelReceiver {
  #life: string | undefined;
  #last = 0;
  /** Earlier lives of the sender. Their batches are ignored. */
  readonly #over: string[] = [];
  /** Whether nothing was taken since the start. Earlier batches may then have arrived that are not remembered. */
  #isFresh: boolean;

  /** @param known what the receiver remembers from before it lost its memory */
  constructor(known?: { readonly life: string | undefined; readonly last: number }) {
    this.#life = known?.life;
    this.#last = known?.last ?? 0;
    this.#isFresh = true;
  }

  get known(): { life: string | undefined; last: number } {
    return { life: this.#life, last: this.#last };
  }

  /** Decides whether to take a batch, and remembers a batch that is taken. */
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
