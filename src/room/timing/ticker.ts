import { remaining } from "../../platform/clock.ts";
import type { Clock } from "../../platform/ports.ts";
import type { OwnRows, RoomPart } from "./room-part.ts";

/** So many ms of ticks are numbered for one write. */
const RESERVED = 3_600_000;

/** What a ticker needs of the room. */
export interface TickerScope {
  readonly clock: Clock;
  readonly connections: { readonly size: number };
  /** Stores a number: a later life of the room begins above it. @returns whether it is stored */
  reserve(last: number): boolean;
  run(elapsedMs: number, number: number): void;
}

/**
 * Calls back at a steady rate while somebody is connected. It keeps the object awake, so it stops with the last
 * connection.
 *
 * Each tick has a number, which no other tick of the room ever has: numbers are reserved in storage before they are used,
 * an hour of them at once. Within one life of the room they go up by one for each period of time: a tick that is skipped
 * has a number too.
 */
export class Ticker implements RoomPart {
  readonly hz: number;
  /** That of the last tick, if clients may be told it; 0 before the first, and where it could not be reserved. */
  number = 0;
  readonly #scope: TickerScope;
  readonly #period: number;
  #count = 0;
  /** Numbers up to this may have been used, as far as storage knows. */
  #reserved = 0;
  /** At which number it is reserved again. */
  #reserveAt = 0;
  /** When the number 0 would have been, in ms. Undefined until the first tick of this life. */
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

  /** Begins to tick whenever somebody is connected. Called when the room has woken. */
  open(): void {
    this.#isOpen = true;
    this.connectionsChanged();
  }

  connectionsChanged(): void {
    if (!this.#isOpen || this.#scope.connections.size === 0) this.#stop();
    else if (!this.#cancel) this.#start();
  }

  /** Stops for good, even if somebody is connected. */
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
    // Counted from the planned time, so that delays do not add up. A room that fell behind skips the missed ticks.
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

  /** Gives the tick its number. @param planned when it was planned, in ms */
  #countOn(planned: number): void {
    this.#origin ??= planned - (this.#reserved + 1) * this.#period;
    this.#count = Math.max(Math.round((planned - this.#origin) / this.#period), this.#count + 1);
    if (this.#count > this.#reserved && this.#count >= this.#reserveAt) this.#reserve();
    this.number = this.#count > this.#reserved ? 0 : this.#count;
  }

  #reserve(): void {
    const last = this.#count + Math.ceil(RESERVED / this.#period);
    if (this.#scope.reserve(last)) this.#reserved = last;
    // It is tried again a second later.
    else this.#reserveAt = this.#count + this.hz;
  }
}
