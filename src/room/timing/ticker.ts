import { remaining } from "../../platform/clock.ts";
import type { Clock } from "../../platform/ports.ts";
import type { RoomPart } from "./room-part.ts";

/**
 * Calls back at a steady rate while somebody is connected. It keeps the object awake, so it stops with the last
 * connection.
 */
export class Ticker implements RoomPart {
  readonly #clock: Clock;
  readonly #period: number;
  readonly #connectionCount: () => number;
  readonly #run: (elapsedMs: number) => void;
  #isOpen = false;
  #cancel: (() => void) | undefined;
  #last = 0;
  #next = 0;

  constructor(clock: Clock, hz: number, connectionCount: () => number, run: (elapsedMs: number) => void) {
    this.#clock = clock;
    this.#period = 1000 / hz;
    this.#connectionCount = connectionCount;
    this.#run = run;
  }

  /** Begins to tick whenever somebody is connected. Called when the room has woken. */
  open(): void {
    this.#isOpen = true;
    this.connectionsChanged();
  }

  connectionsChanged(): void {
    if (!this.#isOpen || this.#connectionCount() === 0) this.#stop();
    else if (!this.#cancel) this.#start();
  }

  /** Stops for good, even if somebody is connected. */
  close(): void {
    this.#isOpen = false;
    this.#stop();
  }

  #start(): void {
    this.#last = this.#next = this.#clock.now();
    this.#wait();
  }

  #stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(): void {
    const now = this.#clock.now();
    // Counted from the planned time, so that delays do not add up. A room that fell behind skips the missed ticks.
    const wait = Math.max(remaining(this.#next + this.#period, now, this.#period), 0);
    this.#next = now + wait;
    this.#cancel = this.#clock.after(
      Math.max(wait, 1),
      () => {
        const elapsed = this.#clock.now() - this.#last;
        this.#last += elapsed;
        this.#wait();
        this.#run(Math.max(elapsed, 0));
      },
      "tick",
    );
  }
}
