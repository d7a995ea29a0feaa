import type { Clock } from "../../platform/ports.ts";

/**
 * Turns of the event loop: what changes in one turn is stored and sent together, at its end. An event that
 * ends by itself ends its turn at once; for anything else the clock does.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  #isInside = false;
  #isWanted = false;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  /** Asks for something to happen at the end of this turn. */
  want(): void {
    this.#isWanted = true;
    this.endLater();
  }

  /** The same for an event that is over: its turn ends now. */
  wantNow(): void {
    this.#isWanted = true;
    this.end();
  }

  /** Runs the synchronous part of an event, whose turn ends sooner or later. */
  run<T>(event: () => T): T {
    try {
      return this.enter(event);
    } finally {
      this.endLater();
    }
  }

  /** The same, where the caller ends the turn now or later. A timer that is set and cancelled costs 25 µs in workerd. */
  enter<T>(event: () => T): T {
    if (this.#isInside) return event();
    this.#isInside = true;
    try {
      return event();
    } finally {
      this.#isInside = false;
    }
  }

  endLater(): void {
    if (this.#isWanted && !this.#isInside) this.#wait();
  }

  /** Ends the turn now. */
  end(): void {
    if (!this.#isWanted || this.#isInside) return;
    this.#isWanted = false;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#onEnd();
  }

  #wait(): void {
    this.#cancel ??= this.#clock.after(
      0,
      () => {
        this.#cancel = undefined;
        this.end();
      },
      "turn",
    );
  }
}
