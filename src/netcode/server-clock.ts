import type { SyncEvent } from "../client/room-client.ts";

/** Packets of so much time count, in ms; and this many at most. */
const WINDOW = 10_000;
const MOST_SAMPLES = 400;
/** The earliest packet of each such time says how the clocks drift apart, in ms; of so many times. */
const BUCKET = 2000;
const MOST_BUCKETS = 30;
const LEAST_BUCKETS = 10;
/** A packet that is earlier than all others by this says that the room counts anew, in ms. */
const ANEW = 500;
/** Of 100 packets so many arrive in time, by what is known of their jitter. */
const IN_TIME = 0.99;
/** How much later than the newest packets others are shown, beyond their jitter, in ticks. */
const MARGIN = 1.5;
/** The longest delay, in ms; with few ticks a second two of them. */
const LONGEST_DELAY = 200;
/** How much faster or slower than time the shown time may go, to come to another delay. */
const STRETCH = 0.1;
/** A difference from which on it does not go there but jumps, in ms. */
const JUMP = 1000;

interface Sample {
  /** When it came, in ms of `performance.now()`. */
  readonly at: number;
  /** When tick 0 would have come, as this packet did. */
  readonly offset: number;
}

/**
 * The clock of a room, as far as a client can know it. Each packet says which tick was the last, and comes some time after
 * that: the earliest ones say where the server's clock is, and the others how much they jitter. So one that is very late
 * changes nothing. How much the two clocks drift apart is the median of all slopes between the earliest packets of each
 * 2 seconds (Theil and Sen).
 */
export class ServerClock {
  /** Ticks a second; undefined before the first packet of a room with ticks. */
  hz: number | undefined;
  /** The number of the last tick that came. */
  tick = 0;
  /** How much longer than the quickest packets 99 of 100 take, in ms. */
  jitter = 0;
  /** How much the clocks drift apart, in ms for each ms. */
  drift = 0;
  /** How far behind the quickest packets others are shown, in ms. */
  delay = 0;
  readonly #latency: () => number | undefined;
  #samples: Sample[] = [];
  #buckets: Sample[] = [];
  /** When tick 0 would have come by the quickest packets, and when that was true. */
  #offset = 0;
  #offsetAt = 0;
  #shown: number | undefined;
  #shownAt = 0;

  constructor(latency: () => number | undefined) {
    this.#latency = latency;
  }

  /** How long a message to the room and back takes, in ms, as last measured; undefined before that. */
  get roundTrip(): number | undefined {
    return this.#latency();
  }

  /** The tick that others are shown at, with its fraction, as last asked; undefined before that. */
  get shown(): number | undefined {
    return this.#shown;
  }

  /** When tick 0 would have come by the quickest packets, in ms of `performance.now()`. */
  offsetAt(now: number): number {
    return this.#offset + this.drift * (now - this.#offsetAt);
  }

  /** Which tick the quickest packet would bring now, with its fraction. */
  tickAt(now: number): number {
    return ((now - this.offsetAt(now)) * (this.hz ?? 0)) / 1000;
  }

  /** @internal */
  take({ tick, hz, isFirst }: SyncEvent, now: number): void {
    if (hz !== undefined && hz > 0 && hz < Infinity) this.hz = hz;
    if (!this.hz || !tick) return;
    const offset = now - (tick * 1000) / this.hz;
    // Another connection takes another way, and may lead to another life of the room.
    if (isFirst || offset < this.offsetAt(now) - ANEW) this.#forget(now);
    // Later packets of one tick say nothing.
    else if (tick <= this.tick) return;
    this.tick = tick;
    this.#samples.push({ at: now, offset });
    while (this.#samples.length > MOST_SAMPLES || (this.#samples[0]?.at ?? now) < now - WINDOW) this.#samples.shift();
    this.#noteEarliest({ at: now, offset });
    const offsets = this.#samples.map((sample) => sample.offset + this.drift * (now - sample.at)).toSorted(ascending);
    const [earliest = offset] = offsets;
    this.#offset = earliest;
    this.#offsetAt = now;
    this.jitter = (offsets[Math.floor((offsets.length - 1) * IN_TIME)] ?? earliest) - earliest;
    const period = 1000 / this.hz;
    this.delay = Math.min(this.jitter + MARGIN * period, Math.max(LONGEST_DELAY, 2 * period));
  }

  /** The tick to show others at: behind the newest by the delay. It follows another delay slowly, and never goes back. */
  show(now: number, delay = this.delay): number {
    if (!this.hz || this.tick === 0) return 0;
    const wanted = this.tickAt(now - delay);
    const passed = ((now - this.#shownAt) * this.hz) / 1000;
    const next = (this.#shown ?? Infinity) + passed;
    const most = STRETCH * passed;
    const isFar = Math.abs(wanted - next) * 1000 > JUMP * this.hz;
    if (this.#shown === undefined || isFar) this.#shown = wanted;
    else this.#shown = next + Math.min(Math.max(wanted - next, -most), most);
    this.#shownAt = now;
    return this.#shown;
  }

  #forget(now: number): void {
    this.#samples = [];
    this.#buckets = [];
    this.drift = 0;
    this.#offsetAt = now;
  }

  #noteEarliest(sample: Sample): void {
    const last = this.#buckets.at(-1);
    const isSame = last !== undefined && Math.floor(last.at / BUCKET) === Math.floor(sample.at / BUCKET);
    if (!isSame) this.#buckets.push(sample);
    else if (sample.offset < last.offset) this.#buckets[this.#buckets.length - 1] = sample;
    if (isSame || this.#buckets.length < LEAST_BUCKETS) return;
    if (this.#buckets.length > MOST_BUCKETS) this.#buckets.shift();
    // The last one is not complete.
    const whole = this.#buckets.slice(0, -1);
    const slopes = whole.flatMap((from, index) =>
      whole.slice(index + 1).map((to) => (to.offset - from.offset) / (to.at - from.at)),
    );
    this.drift = slopes.toSorted(ascending)[slopes.length >> 1] ?? 0;
  }
}

const ascending = (a: number, b: number) => a - b;
