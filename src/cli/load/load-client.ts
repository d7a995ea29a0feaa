import { setTimeout as sleep } from "node:timers/promises";
import { Calls } from "../../client/calls.ts";
import type { Answer } from "../../client/calls.ts";
import type { CallError } from "../../client/errors.ts";
import { parseFrame } from "../../client/frame.ts";
import { randomId } from "../../client/random-id.ts";
import { ReconnectingSocket } from "../../client/reconnecting-socket.ts";
import { ByteReader } from "../../protocol/binary/bytes.ts";
import { FRAME, readSyncHead } from "../../protocol/binary/frames.ts";
import { requestIn } from "../../protocol/packets.ts";
import { Confirmations } from "../../client/confirmations.ts";
import { roomDestination } from "../../client/destination.ts";
import type { Destination } from "../../client/destination.ts";
import { WorldDestination } from "../../client/world-destination.ts";
import type { SocketClass } from "./counted-socket.ts";
import type { LoadSettings } from "./settings.ts";
import type { Tally } from "./tally.ts";

/** How a packet of the state begins. Nobody looks at it here, so it is not even parsed. */
const SYNC = '{"type":"sync"';

/**
 * One user, who acts at a steady rate. Its connection and its calls are those of the client that a browser has, but
 * it keeps no state: that would be the work of many machines on one.
 */
export class LoadClient {
  /** Whether it was let in. Resolves when that is known, or when it took too long. */
  readonly entered: Promise<boolean>;
  readonly #settings: LoadSettings;
  readonly #tally: Tally;
  readonly #number: number;
  readonly #socket: ReconnectingSocket;
  readonly #calls: Calls;
  readonly #confirmations = new Confirmations((text) => this.#socket.send(text));
  /** What has no answer yet. */
  readonly #actions = new Set<Promise<void>>();
  #count = 0;
  /** Refusals that did not say of which action: each is of one that waits for its answer in vain. */
  #anonymous = 0;
  /** The service ends a client; by itself it leaves, and what is refused then does not count. */
  #phase: "here" | "ended" | "left" = "here";
  /** Tells whether it came in. Only the first word counts. */
  #enter: (isIn: boolean) => void = () => {};

  constructor(settings: LoadSettings, number: number, tally: Tally, socket: SocketClass) {
    this.#settings = settings;
    this.#number = number;
    this.#tally = tally;
    const { origin, room, token, timeout } = settings;
    this.#calls = new Calls(
      timeout,
      0,
      (text) => this.#confirmations.send(text),
      () => {},
    );
    const options = { host: origin, room, ...(token && { token }), socket: { WebSocket: socket } };
    this.#socket = new ReconnectingSocket(destinationOf(settings), randomId(), options, {
      query: () => ({}),
      opened: () => {
        this.#confirmations.connected();
        this.#calls.flush();
      },
      received: (data) => (typeof data === "string" ? this.#receive(data) : this.#receiveBinary(data as ArrayBuffer)),
      lost: () => this.#lost(),
      failed: ({ code, message }) => this.#failed(code, message),
      ended: (_, reason) => this.#end("ended", reason),
    });
    this.entered = this.#wait();
  }

  /** It leaves, and waits for nothing. */
  close(): void {
    this.#end("left", "The load test is over");
    this.#socket.close();
  }

  /**
   * Acts until it is over or aborted, whether or not the room keeps up: what users do next does not wait.
   * @param until on the clock of `performance.now`
   */
  async play(until: number, signal: AbortSignal): Promise<void> {
    const gap = 1000 / this.#settings.rate;
    // Users do not act all at the same instant.
    for (let due = performance.now() + Math.random() * gap; due < until; due += gap) {
      await sleepUntil(due, signal);
      // Where this process is late, what is left over is left out.
      if (this.#phase !== "here" || performance.now() >= until) return;
      const action = this.#act().finally(() => this.#actions.delete(action));
      this.#actions.add(action);
    }
    await sleepUntil(until, signal);
  }

  /** All that it sent is answered, or has failed. */
  async allAnswered(): Promise<void> {
    await Promise.all(this.#actions);
  }

  async #act(): Promise<void> {
    const { action, makeValue } = this.#settings;
    const value = makeValue({ client: this.#number, count: this.#count++ });
    this.#tally.sent++;
    const sentAt = performance.now();
    try {
      await this.#calls.call(action, value);
      this.#tally.answered(performance.now() - sentAt);
    } catch (error) {
      this.#unanswered(error as CallError);
    }
  }

  /** Its codes are those of the service, and three of the client's own. */
  #unanswered({ code, message, issues: [issue] }: CallError): void {
    const isOwn = code === "timeout" || code === "closed" || code === "overflow";
    const reason = issue ? `${issue.path.join(".") || "the value"}: ${issue.message}` : message;
    if (!isOwn) this.#tally.refused(code, reason);
    else if (this.#anonymous > 0) this.#anonymous--;
    else this.#failed(code, message);
  }

  async #wait(): Promise<boolean> {
    const startedAt = performance.now();
    const isIn = await new Promise<boolean>((resolve) => {
      this.#enter = resolve;
      setTimeout(resolve, this.#settings.timeout, false).unref();
    });
    if (isIn) this.#tally.arrived(performance.now() - startedAt);
    else this.close();
    return isIn;
  }

  #receiveBinary(data: ArrayBuffer): void {
    const frame = new ByteReader(new Uint8Array(data));
    if (frame.byte() === FRAME.sync) return this.#sync(readSyncHead(frame).confirm);
    frame.varint();
    this.#calls.answer("ack", frame.restJson() as Answer);
  }

  #sync(confirm: number | undefined): void {
    if (confirm !== undefined) return this.#confirmations.asked(confirm);
    this.#socket.joined();
    this.#enter(true);
  }

  #receive(text: string): void {
    if (text.startsWith(SYNC)) return this.#sync(requestIn(text));
    const frame = parseFrame(text);
    if (frame?.type !== "ack" && frame?.type !== "error") return;
    const answer = frame["value"] as Answer;
    if (this.#calls.answer(frame.type, answer) || frame.type === "ack" || answer.id !== undefined) return;
    this.#anonymous++;
    this.#tally.refused(answer.code, answer.message);
  }

  #lost(): void {
    this.#calls.disconnected(true);
    // What a room says first is its last word here. A World may have another shard.
    if (this.#settings.world === undefined) this.#enter(false);
  }

  #end(phase: "ended" | "left", reason: string): void {
    if (this.#phase === "here") this.#phase = phase;
    this.#enter(false);
    this.#calls.closed(reason);
  }

  #failed(code: string, reason: string): void {
    if (this.#phase !== "left") this.#tally.failed(code, reason);
  }
}

function destinationOf({ origin, party, room, world }: LoadSettings): Destination {
  return world === undefined ? roomDestination(party, room) : new WorldDestination(origin, world, room);
}

/** Waits until `due` on the clock of `performance.now`. Returns early when it is aborted. */
export async function sleepUntil(due: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, due - performance.now()), undefined, { signal }).catch(() => {});
}
