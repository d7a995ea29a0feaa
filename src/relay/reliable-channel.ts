import { backoff } from "../platform/backoff.ts";
import { remaining } from "../platform/clock.ts";
import type { Clock } from "../platform/ports.ts";
import { isOverloaded } from "../platform/retry.ts";
import type { Batch, Receipt } from "./messages.ts";

/** The most batches on their way at once. Items that are pushed meanwhile wait, and go into one batch. */
const WINDOW = 4;
/**
 * Least time between two batches, in ms, unless the receiver asks for more. After a pause the first is sent at once.
 */
export const SPACING = 4;
const FIRST_RETRY = 50;
const LONGEST_RETRY = 2000;
/** After so many failures the longest time is waited. */
const LONG = 6;
/** The most weight of one batch: a call between objects may have 32 MiB. */
const MAX_BATCH = 4_000_000;
/** How many former lives of the sender a receiver remembers. */
const REMEMBERED = 8;

/** An item on its way. */
export interface QueuedItem<T, O> {
  readonly item: T;
  readonly weight: number;
  /** The client that the sender counts the item for. */
  readonly owner: O | undefined;
}

export interface ChannelCallbacks<T, O> {
  send(batch: Batch<T>): Promise<Receipt>;
  /** About how many bytes of a call an item takes. */
  weightOf(item: T): number;
  /** These have arrived. */
  onArrived?(entries: readonly QueuedItem<T, O>[], receipt: Receipt): void;
  /** The receiver does not know this sender. Nothing more is sent until {@link ChannelSender.resume}. */
  onUnknown(): void;
  /** The receiver was silent for too long. Nothing more is sent. */
  onSilent(): void;
}

/**
 * One way between two objects: items arrive once and in order, in batches, whatever is lost or repeated on the
 * way. Costs nothing while there is nothing to send. Go-back-N: https://en.wikipedia.org/wiki/Go-Back-N_ARQ
 *
 * It has no limit of its own: code that pushes has to watch {@link ChannelSender.backlog}, and call
 * {@link ChannelSender.discard}.
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

  /** @param patience how long sending may fail before the receiver counts as lost, in ms */
  constructor(clock: Clock, patience: number, callbacks: ChannelCallbacks<T, O>) {
    this.#clock = clock;
    this.#patience = patience;
    this.#callbacks = callbacks;
  }

  /** Whether all that was pushed has arrived. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#unacked.length === 0;
  }

  /** The weight of the waiting items, which are in no batch yet. */
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

  /** The owners of items that are not known to have arrived. */
  owners(): Set<O> {
    const entries = [...this.#unacked.flatMap((batch) => batch.entries), ...this.#queue];
    return new Set(entries.flatMap(({ owner }) => owner ?? []));
  }

  /** Drops some of the waiting items. */
  discard(isDiscarded: (entry: QueuedItem<T, O>) => boolean): void {
    this.#queue = this.#queue.filter((entry) => !isDiscarded(entry));
    this.#backlog = this.#queue.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** The receiver knows this sender now: sends again what may not have arrived. */
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
    this.#callbacks.onSilent();
    this.close();
  }

  /** Makes a batch of the waiting items, or of as many as fit. */
  #cut(): void {
    let weight = 0;
    const end = this.#queue.findIndex((entry, index) => (weight += entry.weight) > MAX_BATCH && index > 0);
    const entries = end < 0 ? this.#queue : this.#queue.slice(0, end);
    this.#queue = end < 0 ? [] : this.#queue.slice(end);
    this.#backlog -= entries.reduce((sum, entry) => sum + entry.weight, 0);
    // All waiting items may have been dropped meanwhile.
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
      // Whether it arrived is unknown: it is sent again, and the receiver knows. One that has too much to do is left alone
      // for as long as that is possible.
      if (isOverloaded(error)) this.#failures = Math.max(this.#failures, LONG);
    }
    this.#inFlight--;
    if (this.#isClosed) return;
    if (receipt?.verdict === "ok") this.#arrived(seq, receipt);
    else if (receipt?.verdict === "unknown") this.#stop();
    else this.#failed();
  }

  /** A batch arrived, and so did all batches before it, since they arrive in order. */
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
    for (const { entries } of arrived) this.#callbacks.onArrived?.(entries, receipt);
  }

  #failed(): void {
    this.#failingSince ??= this.#clock.now();
    this.#failures++;
    this.#goBack();
  }

  /** Sends all batches again that have not arrived, one by one, as soon as none is on its way. */
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

/** What a receiver remembers of a channel, to take each batch once and in order. */
export class ChannelReceiver {
  #life: string | undefined;
  #last = 0;
  /** Former lives of the sender: batches that still come from them are ignored. */
  readonly #over: string[] = [];
  /** Whether nothing was taken since the start: then batches may have arrived before that are not remembered. */
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

  /** Decides whether to take a batch. One that is to be taken counts as taken. */
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
