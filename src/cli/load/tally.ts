import { createHistogram } from "node:perf_hooks";
import { stripVTControlCharacters } from "node:util";

const LONGEST = 123;

/** The count of a code. */
export interface Counted {
  readonly count: number;
  /** The reason of the first one. */
  readonly reason: string;
}

/** The amount received up to a time, which is in ms. */
interface Received {
  readonly at: number;
  readonly packets: number;
  readonly bytes: number;
  readonly wireBytes: number;
}

/** The counts of all clients. Times are in histograms in µs, exact to three digits. */
export class Tally {
  /** From opening a connection to its first packet. */
  readonly connecting = createHistogram({ figures: 3 });
  /** From an action to its acknowledgement. */
  readonly latency = createHistogram({ figures: 3 });
  /** Refused actions. */
  readonly refusals = new Map<string, Counted>();
  /** Other errors. */
  readonly errors = new Map<string, Counted>();
  readonly closes = new Map<string, Counted>();
  connected = 0;
  sent = 0;
  packets = 0;
  bytes = 0;
  /** The received bytes, compressed if they were, including the heads of frames. */
  wireBytes = 0;
  #start: Received = { at: 0, packets: 0, bytes: 0, wireBytes: 0 };
  #end: Received | undefined;

  /** All clients are connected: starts measuring. */
  start(): void {
    this.#start = this.#now();
  }

  /** No more actions are sent, though answers may arrive. */
  end(): void {
    this.#end = this.#now();
  }

  /** Whether measuring has started. */
  get hasStarted(): boolean {
    return this.#start.at > 0;
  }

  /** The amount received during the measurement, and its duration in seconds. */
  get measured(): { seconds: number; packets: number; bytes: number; wireBytes: number } {
    const end = this.#end ?? this.#now();
    const before = this.hasStarted ? this.#start : end;
    return {
      seconds: (end.at - before.at) / 1000,
      packets: end.packets - before.packets,
      bytes: end.bytes - before.bytes,
      wireBytes: end.wireBytes - before.wireBytes,
    };
  }

  get refusedCount(): number {
    return total(this.refusals);
  }

  get errorCount(): number {
    return total(this.errors);
  }

  #now(): Received {
    const { packets, bytes, wireBytes } = this;
    return { at: performance.now(), packets, bytes, wireBytes };
  }

  arrived(ms: number): void {
    this.connected++;
    this.connecting.record(toMicroseconds(ms));
  }

  answered(ms: number): void {
    this.latency.record(toMicroseconds(ms));
  }

  refused(code: unknown, reason: unknown): void {
    count(this.refusals, code, reason);
  }

  failed(code: unknown, reason: unknown): void {
    count(this.errors, code, reason);
  }

  closed(code: number, reason: string): void {
    count(this.closes, code, reason);
  }
}

function count(counts: Map<string, Counted>, code: unknown, said: unknown): void {
  const name = printable(code);
  const { count: before, reason } = counts.get(name) ?? { count: 0, reason: printable(said ?? "") };
  counts.set(name, { count: before + 1, reason });
}

function total(counts: ReadonlyMap<string, Counted>): number {
  return [...counts.values()].reduce((sum, { count: one }) => sum + one, 0);
}

/** A histogram takes whole numbers from 1. */
function toMicroseconds(ms: number): number {
  return Math.max(1, Math.round(ms * 1000));
}

/** Makes text of a service safe for a terminal. */
function printable(said: unknown): string {
  return stripVTControlCharacters(String(said))
    .replaceAll(/\p{Cc}/gu, "")
    .slice(0, LONGEST);
}
