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

/** The beginning of a packet with state. It is not parsed, since its content is not used. */
const SYNC = '{"type":"sync"';

/**
 * One user who sends actions at a steady rate. It uses the connection and the calls of the real client, but keeps no
 * state, since that would be the work of many machines.
 */
export class LoadClient {
  /** Whether it has joined. Resolves when that is known, or after the timeout. */
  readonly entered: Promise<boolean>;
  readonly #settings: LoadSettings;
  readonly #tally: Tally;
  readonly #number: number;
  readonly #socket: ReconnectingSocket;
  readonly #calls: Calls;
  readonly #confirmations = new Confirmations((text) => this.#socket.send(text));
  /** Unanswered actions. */
  readonly #actions = new Set<Promise<void>>();
  #count = 0;
  /** The number of refusals without an action. Each belongs to an action whose answer will not come. */
  #anonymous = 0;
  /** Whether the service ended the client, or the client left. Refusals after it left do not count. */
  #phase: "here" | "ended" | "left" = "here";
  /** Sets whether it joined. Only the first call counts. */
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

  /** Leaves without waiting. */
  close(): void {
    this.#end("left", "The load test is over");
    this.#socket.close();
  }

  /**
   * Sends actions until a time or until it is aborted, whether or not the room keeps up, as real users do.
   * @param until in the time of `performance.now`
   */
  async play(until: number, signal: AbortSignal): Promise<void> {
    const gap = 1000 / this.#settings.rate;
    // Users do not all act at the same moment.
    for (let due = performance.now() + Math.random() * gap; due < until; due += gap) {
      await sleepUntil(due, signal);
      // If this process is late, the remaining actions are left out.
      if (this.#phase !== "here" || performance.now() >= until) return;
      const action = this.#act().finally(() => this.#actions.delete(action));
      this.#actions.add(action);
    }
    await sleepUntil(until, signal);
  }

  /** Resolves when all actions are answered or have failed. */
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

  /** The codes are those of the service, and three of the client. */
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
    // A room's first refusal is final here. A World may have another shard.
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
  if (world === undefined) return roomDestination(party, room);
  return new WorldDestination({ host: origin, worldId: world, room });
}

/** Waits until `due` in the time of `performance.now`. Returns early when it is aborted. */
export async function sleepUntil(due: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, due - performance.now()), undefined, { signal }).catch(() => {});
}
