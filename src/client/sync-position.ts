/** The parts of a sync packet that say where it belongs. */
export interface Head {
  readonly seq?: unknown;
  readonly epoch?: unknown;
  readonly resumed?: unknown;
  readonly reset?: unknown;
  /** Whether it names the user: only a whole state does. */
  readonly hasUser: boolean;
}

/**
 * What to do with a packet: take it as the whole state, or as what changed while the client was away, or as the
 * next change; or leave it, since it was there already; or ask again, since something is missing before it.
 */
export type Step = "whole" | "resumed" | "next" | "repeated" | "gap";

/** A second gap within this time, in ms, shows that to resume does not help. */
const CALM = 5000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

/**
 * Where the client is in the order of the server's packets. What has no number is always the next one: what only few
 * may see, and all that comes from a server that numbers nothing. Then the first packet of each connection is whole.
 */
export class SyncPosition {
  /** How often the client had to ask again. */
  resyncs = 0;
  #seq: number | undefined;
  #epoch: string | undefined;
  /** Whether the server numbers nothing: one of the first protocol. */
  isUncounted = false;
  #isFresh = true;
  #gapsInARow = 0;
  #calmAt = 0;

  /** What a new connection says, so that it gets only what it does not know. */
  get query(): Record<string, string> {
    if (this.#seq === undefined || this.#epoch === undefined) return {};
    return { since: String(this.#seq), epoch: this.#epoch };
  }

  /** A new connection: its first packet has to fit to its question. */
  connected(): void {
    this.#isFresh = true;
  }

  take(head: Head): Step {
    const step = this.#stepOf(head);
    if (step === "repeated" || step === "gap") return step;
    if (step !== "next") this.#isFresh = false;
    if (step === "whole") {
      this.#epoch = epochOf(head);
      this.isUncounted = typeof head.seq !== "number";
    }
    if (step === "whole" || typeof head.seq === "number") this.#seq = head.seq as number | undefined;
    return step;
  }

  /**
   * Something is missing. What the client has is still right, up to where it knows, so it resumes from there; if
   * that fails again at once, it takes the whole state, and waits longer each time.
   * @returns how long to wait, in ms
   */
  resync(now: number): number {
    this.resyncs++;
    this.#gapsInARow = now < this.#calmAt ? this.#gapsInARow + 1 : 0;
    const wait = this.#gapsInARow === 0 ? 0 : Math.min(FIRST_WAIT * 2 ** this.#gapsInARow, LONGEST_WAIT);
    if (wait > 0) this.#seq = undefined;
    this.#calmAt = now + wait + CALM;
    return wait;
  }

  #stepOf({ seq, epoch, hasUser, resumed, reset }: Head): Step {
    const last = this.#seq;
    const isKnown = typeof seq === "number" && last !== undefined && seq <= last;
    if (hasUser || reset === true)
      return !this.#isFresh && isKnown && epochOf({ epoch }) === this.#epoch ? "repeated" : "whole";
    if (typeof seq !== "number") return "next";
    if (last === undefined) return "gap";
    // The first packet of a connection continues from where the client asked, or is whole.
    if (this.#isFresh) return resumed === true && seq >= last ? "resumed" : "gap";
    if (seq <= last) return "repeated";
    return seq === last + 1 ? "next" : "gap";
  }
}

function epochOf({ epoch }: Pick<Head, "epoch">): string | undefined {
  return typeof epoch === "string" || typeof epoch === "number" ? String(epoch) : undefined;
}
