import { performance } from "node:perf_hooks";
import { Confirmations } from "../../../src/client/confirmations.ts";
import type { Place } from "./jobs.ts";
import { Counting, Walk } from "./moves.ts";
import type { Moves } from "./moves.ts";
import type { Newcomer, Protocol } from "./protocol.ts";
import { PROTOCOLS } from "./protocols.ts";
import { LoadSocket } from "./socket.ts";

/** Counts over all clients of a crowd. */
export class Tally {
  packets = 0;
  bytes = 0;
  sent = 0;
  done = 0;
  latencies: number[] = [];

  reset(): void {
    this.packets = this.bytes = this.sent = this.done = 0;
    this.latencies = [];
  }
}

/** One player. It finds its own moves in what the room sends, and counts everything else. */
export class Client {
  /** Resolves when it has joined the room. */
  readonly ready: Promise<void>;
  isReady = false;
  onSeen: () => void = () => {};
  /** Why it lost its connection, unless it left by itself. */
  failed: string | undefined;
  readonly #protocol: Protocol;
  readonly #isBatched: boolean;
  readonly #tally: Tally;
  readonly #moves: Moves;
  readonly #newcomer: Newcomer = { answer: (message) => this.say(message) };
  readonly #confirmations = new Confirmations((text) => {
    this.say(text);
    return this.#socket !== undefined;
  });
  #socket: LoadSocket | undefined;
  #isLeaving = false;

  /** @param side the width of the map that it walks over; undefined if it only counts its moves */
  constructor({ port, paths, protocol, isBatched = false }: Place, index: number, tally: Tally, side?: number) {
    this.#moves = side === undefined ? new Counting() : new Walk(side, index);
    this.#protocol = PROTOCOLS[protocol];
    this.#isBatched = isBatched;
    this.#tally = tally;
    this.ready = this.#enter(port, paths[index % paths.length] ?? "", index);
  }

  async #enter(port: number, path: string, index: number): Promise<void> {
    const address = this.#protocol.address(port, path, index);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket = new LoadSocket(port, typeof address === "string" ? address : await address, {
      onMessage: (bytes, start, end) => {
        this.#count(1, end - start);
        this.isReady = this.#protocol.welcome(bytes, start, end, this.#newcomer);
        if (this.isReady) resolve();
        return this.isReady;
      },
      onBatch: (bytes, start, end, count, length) => {
        this.#count(count, length);
        for (const request of this.#protocol.requests(bytes, start, end)) this.#confirmations.asked(request);
        this.#look(this.#newcomer.mark as Buffer, bytes, start, end);
      },
      onClose: (reason) => {
        if (!this.isReady) reject(new Error(`A client was not let in: ${reason}`));
        else if (!this.#isLeaving) this.failed = reason;
      },
    });
    return promise;
  }

  get inFlight(): number {
    return this.#moves.sent - this.#moves.seen;
  }

  act(action: string, count = 1): void {
    const now = performance.now();
    const messages = Array.from({ length: count }, () => this.#protocol.action(action, this.#moves.next(now)));
    this.#tally.sent += count;
    const [first] = messages;
    if (count === 1 && typeof first === "string") this.#confirmations.send(first);
    else if (count === 1) this.say(first as Buffer);
    else if (this.#isBatched) this.say(`[${messages.join()}]`);
    else this.#socket?.sendAll(messages);
  }

  say(message: string | Buffer): void {
    this.#socket?.send(message);
  }

  leave(): void {
    this.#isLeaving = true;
    this.#socket?.destroy();
  }

  #count(packets: number, bytes: number): void {
    this.#tally.packets += packets;
    this.#tally.bytes += bytes;
  }

  /** Marks moves as seen, up to the one whose x follows the client's own mark. */
  #look(mark: Buffer, bytes: Buffer, start: number, end: number): void {
    const before = this.#moves.seen;
    for (let at = bytes.indexOf(mark, start); at >= 0 && at < end; at = bytes.indexOf(mark, at + 1)) {
      const x = this.#protocol.readX(bytes, at + mark.length);
      this.#tally.done += this.#moves.saw(x, performance.now(), this.#tally.latencies);
    }
    if (this.#moves.seen > before) this.onSeen();
  }
}
