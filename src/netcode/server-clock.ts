import type { SyncEvent } from "../client/room-client.ts";

/** Packets of this time are used, in ms, up to this number. */
const WINDOW = 10_000;
const MOST_SAMPLES = 400;
/** The drift of the clocks is computed from the earliest packet of each bucket, in ms, with this many buckets. */
const BUCKET = 2000;
const MOST_BUCKETS = 30;
const LEAST_BUCKETS = 10;
/** If a packet is this much earlier than all others, in ms, the room has started to count again. */
const ANEW = 500;
/** The share of packets that arrive before their tick is shown. */
const IN_TIME = 0.99;
/** The delay besides the jitter, in ticks. */
const MARGIN = 1.5;
/** The longest delay, in ms. With few ticks per second it is two ticks. */
const LONGEST_DELAY = 200;
/** How much faster or slower than real time the shown time may run while the delay changes. */
const STRETCH = 0.1;
/** From this difference on, in ms, the shown time jumps. */
const JUMP = 1000;

interface Sample {
  /** When the packet arrived, in ms of `performance.now()`. */
  readonly at: number;
  /** When tick 0 would have arrived with the delay of this packet. */
  readonly offset: number;
}

/**
 * What a client knows about the clock of its room. Each packet has the number of the last tick, and arrives some time
 * later. The earliest packets tell the time of the server, and the others the jitter, so a single late packet changes
 * nothing. The drift of the two clocks is the median of all slopes between the earliest packets of each 2 seconds (the
 * Theil–Sen estimator).
 */
export class ServerClock {
  /** Ticks per second. Undefined before the first packet, and for a room without a tick. */
  hz: number | undefined;
  /** The number of the last tick that arrived. */
  tick = 0;
  /** How much later than the fastest packets 99 of 100 packets arrive, in ms. */
  jitter = 0;
  /** The drift of the two clocks, in ms per ms. */
  drift = 0;
  /** How far behind the fastest packets other entries are shown, in ms. */
  delay = 0;
  readonly #latency: () => number | undefined;
  #samples: Sample[] = [];
  #buckets: Sample[] = [];
  /** When tick 0 would have arrived with the fastest packets, and when that was computed. */
  #offset = 0;
  #offsetAt = 0;
  #shown: number | undefined;
  #shownAt = 0;

  constructor(latency: () => number | undefined) {
    this.#latency = latency;
  }

  /** The last measured round trip time to the room, in ms. Undefined before the first measurement. */
  get roundTrip(): number | undefined {
    return this.#latency();
  }

  /** The tick at which other entries are shown, with its fraction. Undefined before the first call of {@link show}. */
  get shown(): number | undefined {
    return this.#shown;
  }

  /** When tick 0 would have arrived with the fastest packets, in ms of `performance.now()`. */
  offsetAt(now: number): number {
    return this.#offset + this.drift * (now - this.#offsetAt);
  }

  /**
   * The tick that the fastest packet would bring now, with its fraction.
   * @@// // Another connection takes A new connection has another delay, and the room may have restarted.
   * @@// // Later packets of one tick Later packets of the same tick have no information.
   */
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

  /**
   * The tick at which to show other entries: behind the newest tick by the delay. It follows changes of the delay
   * slowly, and never runs backwards.
   * @@// // The last one is not The last bucket is not complete.
   */
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
