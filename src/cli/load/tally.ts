import { createHistogram } from "node:perf_hooks";
import { stripVTControlCharacters } from "node:util";

const LONGEST = 123;

/** How often there was a code. */
export interface Counted {
  readonly count: number;
  /** What was said with the first of them. */
  readonly reason: string;
}

/** What came until a time, in ms. */
interface Received {
  readonly at: number;
  readonly packets: number;
  readonly bytes: number;
  readonly wireBytes: number;
}

/** What a whole crowd counts. Times go into histograms in µs, exact to three digits. */
export class Tally {
  /** From the beginning of a connection to its first packet. */
  readonly connecting = createHistogram({ figures: 3 });
  /** From an action to its ack. */
  readonly latency = createHistogram({ figures: 3 });
  /** Of actions, by the service. */
  readonly refusals = new Map<string, Counted>();
  /** What else went wrong. */
  readonly errors = new Map<string, Counted>();
  readonly closes = new Map<string, Counted>();
  connected = 0;
  sent = 0;
  packets = 0;
  bytes = 0;
  /** The same as it came, compressed if it was, and with the heads of frames. */
  wireBytes = 0;
  #start: Received = { at: 0, packets: 0, bytes: 0, wireBytes: 0 };
  #end: Received | undefined;

  /** Everybody is there: from now on it is measured. */
  start(): void {
    this.#start = this.#now();
  }

  /** Nobody acts any more, though answers may come. */
  end(): void {
    this.#end = this.#now();
  }

  /** Whether it is measured, or was. */
  get hasStarted(): boolean {
    return this.#start.at > 0;
  }

  /** What came while it was measured, and for how many seconds that was. */
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

/** A histogram takes whole numbers from 1 on. */
function toMicroseconds(ms: number): number {
  return Math.max(1, Math.round(ms * 1000));
}

/** What a service said, for a terminal that does not trust it. */
function printable(said: unknown): string {
  return stripVTControlCharacters(String(said))
    .replaceAll(/\p{Cc}/gu, "")
    .slice(0, LONGEST);
}
