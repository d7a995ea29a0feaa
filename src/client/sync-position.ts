/** The parts of a sync packet that say where it belongs in the order of packets. */
export interface SyncNumbers {
  readonly seq?: unknown;
  readonly epoch?: unknown;
  readonly resumed?: unknown;
  readonly reset?: unknown;
  readonly from?: unknown;
  readonly mark?: unknown;
  /** Whether it names the user: only a whole state does. */
  readonly hasUser: boolean;
}

/**
 * What to do with a packet: take it as the whole state, as what changed while the client was offline, or as the next
 * patch; or ignore it, since it was applied already; or resync, since a packet before it is missing.
 */
export type Step = "whole" | "resumed" | "next" | "repeated" | "gap";

/** The state after a packet. */
interface Kept<State> {
  readonly seq: number;
  readonly state: State;
}

/** The most packets whose states are kept until the server says that one of them is stored. */
const MAX_KEPT = 512;
/** Says that the client did not keep the state that was stored. */
const NO_MARK = -1;

/** A second gap within this time, in ms, shows that to resume does not help. */
const CALM = 5000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

/**
 * Where the client is in the order of the server's packets. What has no number is always the next one: what only few
 * may see, and all that comes from a server that numbers nothing. Then the first packet of each connection is whole.
 */
export class SyncPosition<State> {
  /** How often the client had to ask again. */
  resyncs = 0;
  #seq: number | undefined;
  #epoch: string | undefined;
  /** The states after the last packets, from the one that the server has stored on: to that the client can go back. */
  #kept: Kept<State>[] = [];
  /** The last packet that the server has stored; undefined if it does not say so. */
  #mark: number | undefined;
  /** Whether the server numbers nothing: one of the first protocol. */
  isUncounted = false;
  #isFresh = true;
  #gapsInARow = 0;
  #calmAt = 0;

  /** The query parameters of a new connection, so that the server sends only what has changed. */
  get query(): Record<string, string> {
    if (this.#seq === undefined || this.#epoch === undefined) return {};
    const position = { since: String(this.#seq), epoch: this.#epoch };
    if (this.#mark === undefined) return position;
    return { ...position, mark: String(this.#kept[0]?.seq === this.#mark ? this.#mark : NO_MARK) };
  }

  /** The state that a packet continues, if it is not the present one. */
  stateFrom(from: unknown): State | undefined {
    return from === undefined ? undefined : this.#kept.find(({ seq }) => seq === from)?.state;
  }

  /** The state after a packet was applied. Most of it is that of the packet before, and takes no memory. */
  applied({ seq, mark }: SyncNumbers, state: State): void {
    if (typeof seq === "number") this.#kept.push({ seq, state });
    if (typeof mark === "number") this.#mark = mark;
    const { length } = this.#kept;
    const stored = this.#kept.findIndex((kept) => kept.seq >= (this.#mark ?? Infinity));
    this.#kept.splice(0, Math.max(this.#mark === undefined ? length : stored, length - MAX_KEPT));
  }

  /** A new connection: its first packet has to fit to its question. */
  connected(): void {
    this.#isFresh = true;
  }

  /**
   * Whether the client has the packet that an ack names (P4.12), and so all that the action did. An old server names
   * none. What it says on a new connection before the first packet counts from elsewhere.
   */
  includes(seq: unknown): boolean {
    return typeof seq === "number" && !this.#isFresh && seq <= (this.#seq ?? 0);
  }

  take(numbers: SyncNumbers): Step {
    const step = this.#stepOf(numbers);
    if (step === "repeated" || step === "gap") return step;
    if (step !== "next") {
      this.#isFresh = false;
      const epoch = epochOf(numbers);
      // The states before belong to another life of the room.
      if (step === "whole" || epoch !== undefined) {
        this.#epoch = epoch;
        this.#kept = [];
        this.#mark = undefined;
      }
    }
    if (step === "whole") {
      this.isUncounted = typeof numbers.seq !== "number";
    }
    if (step === "whole" || typeof numbers.seq === "number") this.#seq = numbers.seq as number | undefined;
    return step;
  }

  /**
   * A packet is missing. The state is right up to the last number, so the client resumes from there; if there is a gap
   * again soon, it asks for the whole state, and waits longer each time.
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

  /** Whether a packet will be applied. */
  isWanted(numbers: SyncNumbers): boolean {
    const step = this.#stepOf(numbers);
    return step !== "repeated" && step !== "gap";
  }

  /** What the client has is not to be trusted: it asks for the whole state. @returns how long to wait, in ms */
  restart(now: number): number {
    const wait = this.resync(now);
    this.#seq = undefined;
    return wait;
  }

  #stepOf({ seq, epoch, hasUser, resumed, reset, from }: SyncNumbers): Step {
    const last = this.#seq;
    const isOld = typeof seq === "number" && last !== undefined && seq <= last;
    if (hasUser || reset === true)
      return !this.#isFresh && isOld && epochOf({ epoch }) === this.#epoch ? "repeated" : "whole";
    if (typeof seq !== "number") return "next";
    if (last === undefined) return "gap";
    // The first packet of a connection continues from where the client asked, or is whole.
    if (resumed === true && from !== undefined) return from === last || this.stateFrom(from) ? "resumed" : "gap";
    if (this.#isFresh) return resumed === true && seq >= last ? "resumed" : "gap";
    if (seq <= last) return "repeated";
    return seq === last + 1 ? "next" : "gap";
  }
}

function epochOf({ epoch }: Pick<SyncNumbers, "epoch">): string | undefined {
  return typeof epoch === "string" || typeof epoch === "number" ? String(epoch) : undefined;
}
