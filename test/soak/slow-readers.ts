import { setTimeout as wait } from "node:timers/promises";
import { WebSocket } from "ws";
import { Confirmations } from "../../src/client/confirmations.ts";
import { requestIn } from "../../src/protocol/packets.ts";
import { memoryOf } from "../fuzz/long/workerd.ts";
import type { Workerd } from "../workerd/process.ts";

/** How many move in a room, how often in a second, and how many do not read what they are sent. */
export interface Crowd {
  readonly room: string;
  readonly movers: number;
  readonly rate: number;
  readonly stalled: number;
  readonly seconds: number;
  /** How long the text is that each sets as it moves. */
  readonly trail: number;
}

/** What came of it. Memory in MB, times in ms. */
export interface Outcome {
  /** Growth of the resident memory until the middle of the time, and until its end. */
  readonly grownByHalf: number;
  readonly grown: number;
  readonly p99: number;
  /** Messages of one that only watches, and reads. */
  readonly confirmations: number;
  readonly unconfirmedBytes: number;
  readonly behind: number;
  /** Of one that reads again: what was on its way, what it was sent then, and the state that it sees. */
  readonly pipeBytes: number;
  readonly mergedBytes: number;
  readonly stateBytes: number;
  /** What each was sent who read. */
  readonly sentBytes: number;
}

/** A client of protocol 2 that confirms what it reads. */
class Watcher {
  readonly socket: WebSocket;
  bytes = 0;
  confirmations = 0;
  first = 0;
  /** The bytes before the packet with what it missed, and of that. */
  merged: readonly [before: number, own: number] | undefined;
  readonly open: Promise<void>;
  /** Resolves when it was sent what it missed. */
  readonly caughtUp: Promise<void>;
  readonly latencies: number[] = [];
  #calls = 0;
  readonly #calledAt = new Map<string, number>();
  readonly #confirmations = new Confirmations((text) => {
    if (text.startsWith('{"confirm"') && text.endsWith("}") && !text.includes("action")) this.confirmations++;
    this.socket.send(text);
    return true;
  });

  constructor(url: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.socket.on("error", () => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    this.open = promise;
    const caughtUp = Promise.withResolvers<void>();
    this.caughtUp = caughtUp.promise;
    this.socket.on("message", (data: Buffer) => {
      this.#read(data, resolve);
      if (this.merged) caughtUp.resolve();
    });
  }

  move(trail: string): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    const value = { x: Math.floor(Math.random() * 1000), y: Math.floor(Math.random() * 1000), trail };
    const id = this.#calls++ % 10 === 0 ? `call-${this.#calls}` : undefined;
    if (id !== undefined) this.#calledAt.set(id, performance.now());
    this.#confirmations.send(JSON.stringify({ action: "move", value, id }));
  }

  #read(data: Buffer, opened: () => void): void {
    const head = data.toString("latin1", 0, 120);
    const request = requestIn(head);
    if (request !== undefined) return this.#confirmations.asked(request);
    if (this.first === 0) this.first = data.length;
    opened();
    if (head.includes('"resumed":true') || (this.bytes > 0 && head.includes('"pId"'))) {
      this.merged ??= [this.bytes, data.length];
    }
    this.bytes += data.length;
    if (!head.startsWith('{"type":"ack"')) return;
    const { id } = (JSON.parse(data.toString()) as { value: { id: string } }).value;
    const calledAt = this.#calledAt.get(id);
    if (calledAt !== undefined) this.latencies.push(performance.now() - calledAt);
  }
}

/** Some move, some do not read, and one only watches. */
export async function run(workerd: Workerd, crowd: Crowd): Promise<Outcome> {
  const { room, movers, rate, stalled, seconds, trail } = crowd;
  const url = (id: string) => `ws://127.0.0.1:${workerd.port}/parties/main/${room}?protocol=2&id=${id}`;
  const enter = async (count: number, name: string) => {
    const all = Array.from({ length: count }, (_, index) => new Watcher(url(`${name}-${index}`)));
    await Promise.all(all.map(({ open }) => open));
    return all;
  };
  const players = await enter(movers, "mover");
  const [watcher] = (await enter(1, "watcher")) as [Watcher];
  const slow = await enter(stalled, "slow");
  const text = "x".repeat(trail);
  const timers = players.map((player, index) => {
    const move = () => player.move(text.slice(1) + String.fromCharCode(97 + Math.floor(Math.random() * 26)));
    return setInterval(move, 1000 / rate + (index % 7) / 10);
  });
  // All code runs, and buffers have their size.
  await wait(Math.min(seconds * 100, 3000));
  const before = await memoryOf(workerd);
  const confirmedBefore = watcher.confirmations;
  const bytesBefore = watcher.bytes;
  for (const { socket } of slow) socket.pause();
  for (const { latencies } of players) latencies.length = 0;
  await wait(seconds * 500);
  const half = await memoryOf(workerd);
  await wait(seconds * 500);
  const after = await memoryOf(workerd);
  const latencies = players.flatMap((player) => player.latencies).toSorted((a, b) => a - b);
  const answer = await fetch(`http://127.0.0.1:${workerd.port}/parties/main/${room}/who`);
  const { behind, unconfirmedBytes } = await answer.json<{ behind: number; unconfirmedBytes: number }>();
  const sentBytes = watcher.bytes - bytesBefore;
  const confirmations = watcher.confirmations - confirmedBefore;
  for (const timer of timers) clearInterval(timer);
  const [late] = slow;
  const readBefore = late?.bytes ?? 0;
  for (const { socket } of slow) socket.resume();
  if (late) await Promise.race([late.caughtUp, wait(5000)]);
  const [fresh] = (await enter(1, "fresh")) as [Watcher];
  for (const { socket } of [...players, ...slow, watcher, fresh]) socket.terminate();
  return {
    grownByHalf: half.resident - before.resident,
    grown: after.resident - before.resident,
    p99: latencies[Math.floor(latencies.length * 0.99)] ?? NaN,
    confirmations,
    unconfirmedBytes,
    behind,
    pipeBytes: (late?.merged?.[0] ?? NaN) - readBefore,
    mergedBytes: late?.merged?.[1] ?? NaN,
    stateBytes: fresh.first,
    sentBytes,
  };
}
