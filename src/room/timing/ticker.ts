import { remaining } from "../../platform/clock.ts";
import type { Clock } from "../../platform/ports.ts";
import type { OwnRows, RoomPart } from "./room-part.ts";

/** The time for which tick numbers are reserved with one write, in ms. */
const RESERVED = 3_600_000;

/** The parts of the room that a ticker needs. */
export interface TickerScope {
  readonly clock: Clock;
  readonly connections: { readonly size: number };
  /** Stores a number. A later life of the room begins above it. @returns whether it is stored */
  reserve(last: number): boolean;
  run(elapsedMs: number, number: number): void;
}

/**
 * Calls back at a steady rate while a client is connected. It keeps the object awake, so it stops with the last
 * connection.
 *
 * Each tick has a number that no other tick of the room ever has: numbers are reserved in storage before they are used,
 * an hour at a time. Within one life of the room they increase by one per period, including skipped ticks.
 */
export class Ticker implements RoomPart {
  readonly hz: number;
  /** The number of the last tick, if clients may get it. 0 before the first, and if it could not be reserved. */
  number = 0;
  readonly #scope: TickerScope;
  readonly #period: number;
  #count = 0;
  /** The highest number that may have been used, according to storage. */
  #reserved = 0;
  /** The number at which to reserve again. */
  #reserveAt = 0;
  /** The time of number 0, in ms. Undefined until the first tick of this life. */
  #origin: number | undefined;
  #isOpen = false;
  #cancel: (() => void) | undefined;
  #last = 0;
  #next = 0;

  constructor(hz: number, scope: TickerScope) {
    this.hz = hz;
    this.#period = 1000 / hz;
    this.#scope = scope;
  }

  load(rows: OwnRows): void {
    const reserved = rows.of("tick")[0]?.[1];
    if (typeof reserved === "number") this.#reserved = reserved;
  }

  /** Starts to tick whenever a client is connected. Called when the room has woken. */
  open(): void {
    this.#isOpen = true;
    this.connectionsChanged();
  }

  connectionsChanged(): void {
    if (!this.#isOpen || this.#scope.connections.size === 0) this.#stop();
    else if (!this.#cancel) this.#start();
  }

  /** Stops finally, even if clients are connected. */
  close(): void {
    this.#isOpen = false;
    this.#stop();
  }

  #start(): void {
    this.#last = this.#next = this.#scope.clock.now();
    this.#wait();
  }

  #stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(): void {
    const now = this.#scope.clock.now();
    // Computed from the planned time, so that delays do not add up. A room that fell behind skips ticks.
    const wait = Math.max(remaining(this.#next + this.#period, now, this.#period), 0);
    this.#next = now + wait;
    this.#cancel = this.#scope.clock.after(
      Math.max(wait, 1),
      () => {
        const elapsed = this.#scope.clock.now() - this.#last;
        this.#last += elapsed;
        this.#countOn(this.#next);
        this.#wait();
        this.#scope.run(Math.max(elapsed, 0), this.#count);
      },
      "tick",
    );
  }

  /** Assigns the number of a tick. @param planned its planned time, in ms */
  #countOn(planned: number): void {
    this.#origin ??= planned - (this.#reserved + 1) * this.#period;
    this.#count = Math.max(Math.round((planned - this.#origin) / this.#period), this.#count + 1);
    if (this.#count > this.#reserved && this.#count >= this.#reserveAt) this.#reserve();
    this.number = this.#count > this.#reserved ? 0 : this.#count;
  }

  #reserve(): void {
    const last = this.#count + Math.ceil(RESERVED / this.#period);
    if (this.#scope.reserve(last)) this.#reserved = last;
    // Tried again a second later.
    else this.#reserveAt = this.#count + this.hz;
  }
}
