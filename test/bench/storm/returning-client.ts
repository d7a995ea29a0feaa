import { performance } from "node:perf_hooks";
import { Confirmations } from "../../../src/client/confirmations.ts";
import { ByteReader } from "../../../src/protocol/binary/bytes.ts";
import { readSyncHead } from "../../../src/protocol/binary/frames.ts";
import { LoadSocket } from "../load/socket.ts";

/** When clients reconnect: all at once, as `@signe/sync` does, or as the client of this package does. */
export type Manner = "at once" | "told nothing" | "as told" | "at once, for all";

/** The part of a packet that has its sequence number and tells clients how to return. */
interface Head {
  readonly seq?: number;
  readonly epoch?: string;
  readonly mark?: number;
  readonly resumed?: boolean;
  readonly confirm?: number;
  readonly spread?: number;
  readonly tablesHash?: string;
  readonly run?: string;
}

/** How one client returned. Times are those of `Date.now`. */
export interface Return {
  readonly attemptAt: number;
  readonly currentAt: number;
  readonly bytes: number;
  readonly isResumed: boolean;
}

/** Where clients connect. */
interface Place {
  readonly port: number;
  readonly path: string;
  readonly isBinary: boolean;
}

/** A client that reconnects as the client of this package does, and otherwise does as little as possible. */
export class ReturningClient {
  /** The size of the first packet with the whole state. */
  stateBytes = 0;
  spread = 0;
  onIn: () => void = () => {};
  onReturned: (how: Return) => void = () => {};
  readonly #place: Place;
  readonly #id: string;
  readonly #manner: Manner;
  #socket: LoadSocket | undefined;
  #position: { seq: number; epoch: string; mark: number } | undefined;
  #tables: { tables: string; run: string } | undefined;
  #attemptAt = 0;
  #isIn = false;
  #isBack = false;
  readonly #confirmations = new Confirmations((text) => {
    this.#socket?.send(text);
    return this.#socket !== undefined;
  });

  constructor(place: Place, id: string, manner: Manner) {
    this.#place = place;
    this.#id = id;
    this.#manner = manner;
  }

  connect(): void {
    const { port, path, isBinary } = this.#place;
    const { seq, epoch, mark } = this.#position ?? {};
    const since = seq === undefined ? "" : `&since=${seq}&epoch=${epoch}&mark=${mark}`;
    const tables = this.#tables ? `&tables=${this.#tables.tables}&run=${this.#tables.run}` : "";
    const protocol = isBinary ? "&protocol=3" : "";
    this.#attemptAt = performance.timeOrigin + performance.now();
    this.#isIn = false;
    const socket = new LoadSocket(port, `${path}?id=${this.#id}&protocol=2${protocol}${since}${tables}`, {
      onMessage: (bytes, start, end) => {
        this.#receive(bytes, start, end);
        return false;
      },
      onBatch: () => {},
      onClose: () => this.#lost(socket),
    });
    this.#socket = socket;
    this.#confirmations.connected();
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }

  #lost(socket: LoadSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    socket.destroy();
    this.#isBack = true;
    if (this.#manner === "at once, for all") this.#position = this.#tables = undefined;
    setTimeout(() => this.connect(), this.#wait());
  }

  #wait(): number {
    // A delay that is long enough for all clients to notice that the room is gone.
    if (this.#manner === "at once" || this.#manner === "at once, for all") return 500;
    const spread = this.#manner === "as told" ? this.spread : 0;
    return 500 + Math.random() * 1000 + Math.random() * spread;
  }

  #receive(bytes: Buffer, start: number, end: number): void {
    const head = bytes[start] === 1 ? binaryHead(bytes.subarray(start, end)) : textHead(bytes, start, end);
    if (!head) return;
    if (head.confirm !== undefined) {
      this.spread = head.spread ?? 0;
      return this.#confirmations.asked(head.confirm);
    }
    const { epoch = this.#position?.epoch, mark = this.#position?.mark ?? -1, seq = this.#position?.seq } = head;
    if (epoch !== undefined && seq !== undefined) this.#position = { seq, epoch, mark: Math.min(mark, seq) };
    if (head.tablesHash !== undefined) this.#tables = { tables: head.tablesHash, run: head.run ?? "" };
    if (this.#isIn) return;
    this.#isIn = true;
    const isResumed = head.resumed === true;
    if (!isResumed) this.stateBytes = end - start;
    this.onIn();
    const currentAt = performance.timeOrigin + performance.now();
    if (this.#isBack) this.onReturned({ attemptAt: this.#attemptAt, currentAt, bytes: end - start, isResumed });
  }
}

function binaryHead(frame: Uint8Array): Head | undefined {
  const from = new ByteReader(frame);
  from.byte();
  return readSyncHead(from);
}

function textHead(bytes: Buffer, start: number, end: number): Head | undefined {
  const text = bytes.toString("latin1", start, Math.min(end, start + 400));
  if (!text.startsWith('{"type":"sync",')) return undefined;
  const head = text.slice(0, text.indexOf(',"value":'));
  return JSON.parse(`${head}}`) as Head;
}
