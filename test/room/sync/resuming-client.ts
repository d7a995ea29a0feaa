import { expect } from "vitest";
import { applyPatch } from "../../../src/protocol/apply-patch.ts";
import type { MemorySocket } from "../../support/memory.ts";

interface Numbered {
  readonly type: string;
  readonly seq?: number;
  readonly epoch?: string;
  readonly resumed?: boolean;
  readonly reset?: boolean;
  readonly from?: number;
  readonly mark?: number;
  readonly clear?: Record<string, unknown>;
  readonly value: Record<string, unknown>;
}

/** A minimal client of protocol 2. */
export class ResumingClient {
  /** Whether packets may arrive twice. A client ignores the second one. */
  readonly #mayRepeat: boolean;
  state: Readonly<Record<string, unknown>> = {};
  seq: number | undefined;
  epoch: string | undefined;
  publicId = "";
  readonly how: string[] = [];
  mark: number | undefined;
  readonly #kept = new Map<number, Readonly<Record<string, unknown>>>();
  #read = 0;
  #socket: MemorySocket | undefined;

  constructor(mayRepeat = false) {
    this.#mayRepeat = mayRepeat;
  }

  get query(): string {
    if (this.epoch === undefined) return "protocol=2&clear=1";
    const mark = this.mark !== undefined && this.#kept.has(this.mark) ? this.mark : -1;
    return `protocol=2&clear=1&since=${this.seq}&epoch=${this.epoch}&mark=${mark}`;
  }

  connected(socket: MemorySocket): void {
    this.#socket = socket;
    this.#read = 0;
  }

  read(): void {
    const texts = this.#socket?.texts ?? [];
    for (const text of texts.slice(this.#read)) this.#take(JSON.parse(text) as Numbered);
    this.#read = texts.length;
  }

  #take({ type, seq, epoch, resumed, from, mark, clear, value }: Numbered): void {
    if (type !== "sync") return;
    const { pId, ...rest } = value;
    const isRepeated = pId === undefined && !resumed && seq !== undefined && seq <= (this.seq ?? 0);
    if (this.#mayRepeat && isRepeated) return;
    if (pId !== undefined) {
      this.publicId = pId as string;
      this.state = applyPatch({}, rest);
      this.epoch = epoch;
      this.how.push("whole");
    } else {
      if (resumed) this.how.push(from === undefined ? "resumed" : "went back");
      if (from !== undefined) this.state = this.#kept.get(from) as Readonly<Record<string, unknown>>;
      if (epoch !== undefined) this.epoch = epoch;
      if (resumed) expect(JSON.stringify([clear, value])).not.toMatch(/"[^"]*\.[^"]*":/);
      if (clear) this.state = applyPatch(this.state, clear);
      if (resumed) expect(seq).toBeGreaterThanOrEqual(from ?? this.seq ?? 0);
      else if (seq !== undefined) expect(seq, "no number is missing").toBe((this.seq ?? 0) + 1);
      this.state = applyPatch(this.state, rest);
    }
    if (pId !== undefined || epoch !== undefined) this.#kept.clear();
    if (mark !== undefined) this.mark = mark;
    if (seq === undefined) return;
    this.seq = seq;
    // A packet that repeats the last number only has changes without a number. They do not belong to the kept state.
    if (!this.#kept.has(seq)) this.#kept.set(seq, this.state);
  }
}
