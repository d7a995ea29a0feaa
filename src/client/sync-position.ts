/** The parts of a sync packet that tell its place in the order. */
export interface SyncNumbers {
  readonly seq?: unknown;
  readonly epoch?: unknown;
  readonly resumed?: unknown;
  readonly reset?: unknown;
  readonly from?: unknown;
  readonly mark?: unknown;
  /** Whether it names the user, which only a whole state does. */
  readonly hasUser: boolean;
}

/**
 * What to do with a packet: take it as the whole state, as changes while the client was offline, or as the next patch;
 * ignore it, since it was already applied; or resync, since an earlier packet is missing.
 */
export type Step = "whole" | "resumed" | "next" | "repeated" | "gap";

/** The state after a packet. */
interface Kept<State> {
  readonly seq: number;
  readonly state: State;
}

/** The maximum number of packets whose states are kept until the server reports that one of them is stored. */
const MAX_KEPT = 512;
/** Tells the server that the client did not keep the stored state. */
const NO_MARK = -1;

/** A second gap within this time, in ms, shows that resuming does not help. */
const CALM = 5000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

/**
 * The client's position in the order of the server's packets. Packets without a number are always applied: private
 * changes, and all packets of a server without numbers, whose first packet of each connection is the whole state.
 */
export class SyncPosition<State> {
  /** How often the client had to ask again. */
  resyncs = 0;
  #seq: number | undefined;
  #epoch: string | undefined;
  /**
   * The states after the last packets, beginning with the one that the server has stored, to which the client can
   * return.
   */
  #kept: Kept<State>[] = [];
  /** The last packet that the server has stored. Undefined if it does not report that. */
  #mark: number | undefined;
  /** Whether the server uses no numbers, as in protocol 1. */
  isUncounted = false;
  #isFresh = true;
  #gapsInARow = 0;
  #calmAt = 0;

  /** The query parameters of a new connection, so that the server sends only changes. */
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

  /** Keeps the state after a packet. Most of it is shared with the previous state. */
  applied({ seq, mark }: SyncNumbers, state: State): void {
    if (typeof seq === "number") this.#kept.push({ seq, state });
    if (typeof mark === "number") this.#mark = mark;
    const { length } = this.#kept;
    const stored = this.#kept.findIndex((kept) => kept.seq >= (this.#mark ?? Infinity));
    this.#kept.splice(0, Math.max(this.#mark === undefined ? length : stored, length - MAX_KEPT));
  }

  /** A new connection: its first packet has to match the question. */
  connected(): void {
    this.#isFresh = true;
  }

  /**
   * Whether the client has the packet that an acknowledgement names (P4.12), and with it all changes of the action. An
   * old server names none. On a new connection, the numbers before the first packet are of another sequence.
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
      // The previous states belong to another life of the room.
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
   * A packet is missing. The state is correct up to the last number, so the client resumes from there. After another
   * gap soon, it asks for the whole state, and waits longer each time.
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

  /** The client's state may be wrong, so it asks for the whole state. @returns how long to wait, in ms */
  restart(now: number): number {
    const wait = this.resync(now);
    this.#seq = undefined;
    return wait;
  }

  #stepOf({ seq, epoch, hasUser, resumed, reset, from }: SyncNumbers): Step {
    const last = this.#seq;
    // A state with the number of the last packet may include later changes without a number.
    const isOld = typeof seq === "number" && last !== undefined && seq < last;
    if (hasUser || reset === true)
      return !this.#isFresh && isOld && epochOf({ epoch }) === this.#epoch ? "repeated" : "whole";
    if (typeof seq !== "number") return "next";
    if (last === undefined) return "gap";
    // The first packet of a connection continues from the client's position, or is the whole state.
    if (resumed === true && from !== undefined) return from === last || this.stateFrom(from) ? "resumed" : "gap";
    if (this.#isFresh) return resumed === true && seq >= last ? "resumed" : "gap";
    if (seq <= last) return "repeated";
    return seq === last + 1 ? "next" : "gap";
  }
}

function epochOf({ epoch }: Pick<SyncNumbers, "epoch">): string | undefined {
  return typeof epoch === "string" || typeof epoch === "number" ? String(epoch) : undefined;
}
