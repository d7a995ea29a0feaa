import { setTimeout as wait } from "node:timers/promises";
import { WebSocket } from "ws";
import { Confirmations } from "../../src/client/confirmations.ts";
import { ByteReader } from "../../src/protocol/binary/bytes.ts";
import { FRAME, readSyncHead } from "../../src/protocol/binary/frames.ts";
import { requestIn } from "../../src/protocol/packets.ts";
import { memoryOf } from "../fuzz/long/workerd.ts";
import type { Workerd } from "../workerd/process.ts";

/** A room closes clients that do not read for 90 seconds. In runs longer than this, in seconds, they reconnect before. */
const LONG = 80;

/** The clients in a room: how many move and how often per second, and how many do not read. */
export interface Crowd {
  readonly room: string;
  readonly movers: number;
  readonly rate: number;
  readonly stalled: number;
  readonly seconds: number;
  /** The length of the text that each player sets with a move. */
  readonly trail: number;
}

/** The result of a run. Memory in MB, times in ms. */
export interface Outcome {
  /** The growth of the resident memory after a third of the time, after two thirds, and after all of it. */
  readonly grown: readonly [number, number, number];
  readonly p99: number;
  /** The messages per minute of a client that only watches and reads, with protocol 2 and with protocol 3. */
  readonly confirmations: number;
  readonly binaryConfirmations: number;
  readonly unconfirmedBytes: number;
  readonly behind: number;
  /** For a client that reads again: the bytes in flight, the bytes of the merged packet, and the size of its state. */
  readonly pipeBytes: number;
  readonly mergedBytes: number;
  readonly stateBytes: number;
  /** The bytes that each reading client received. */
  readonly sentBytes: number;
}

/** A client of protocol 2 or 3 that confirms what it reads. */
class Watcher {
  readonly socket: WebSocket;
  bytes = 0;
  confirmations = 0;
  first = 0;
  /** The bytes before the packet with what it missed, and the bytes of that packet. */
  merged: readonly [before: number, own: number] | undefined;
  readonly open: Promise<void>;
  /** Resolves when it has received what it missed. */
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

  #readBinary(data: Buffer, opened: () => void): void {
    const from = new ByteReader(data);
    from.byte();
    const { confirm } = readSyncHead(from);
    if (confirm !== undefined) return this.#confirmations.asked(confirm);
    this.bytes += data.length;
    opened();
  }

  #read(data: Buffer, opened: () => void): void {
    if (data[0] === FRAME.sync) return this.#readBinary(data, opened);
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

/** Some clients move, some do not read, and two only watch. */
export async function run(workerd: Workerd, crowd: Crowd): Promise<Outcome> {
  const { room, movers, rate, stalled, seconds, trail } = crowd;
  const enter = entranceOf(workerd, room);
  const players = await enter(movers, "mover");
  const [watcher] = (await enter(1, "watcher")) as [Watcher];
  const [binary] = (await enter(1, "binary", "&protocol=3")) as [Watcher];
  let slow = await enter(stalled, "slow");
  const stop = startMoving(players, rate, trail);
  // A warm-up: after it, all code has run, and buffers have their final size.
  await wait(Math.min(seconds * 100, 3000));
  const before = await memoryOf(workerd);
  const confirmedBefore = [watcher.confirmations, binary.confirmations] as const;
  const bytesBefore = watcher.bytes;
  for (const { socket } of slow) socket.pause();
  for (const { latencies } of players) latencies.length = 0;
  const grown: number[] = [];
  for (let third = 0; third < 3; third++) {
    if (third > 0 && seconds > LONG) {
      for (const { socket } of slow) socket.terminate();
      slow = await enter(stalled, "slow");
      for (const { socket } of slow) socket.pause();
    }
    await wait((seconds * 1000) / 3);
    grown.push((await memoryOf(workerd)).resident - before.resident);
  }
  const p99 = p99Of(players);
  const sentBytes = watcher.bytes - bytesBefore;
  const inAMinute = (count: number) => (count * 60) / seconds;
  stop();
  // On a busy machine, the clients that read have much in front of them.
  let { behind, unconfirmedBytes } = await whoIs(workerd, room);
  for (let before = Infinity; unconfirmedBytes < before;) {
    before = unconfirmedBytes;
    await wait(500);
    ({ behind, unconfirmedBytes } = await whoIs(workerd, room));
  }
  const [late] = slow;
  const readBefore = late?.bytes ?? 0;
  for (const { socket } of slow) socket.resume();
  if (late) await Promise.race([late.caughtUp, wait(5000)]);
  const [fresh] = (await enter(1, "fresh")) as [Watcher];
  for (const { socket } of [...players, ...slow, watcher, binary, fresh]) socket.terminate();
  return {
    grown: grown as [number, number, number],
    p99,
    confirmations: inAMinute(watcher.confirmations - confirmedBefore[0]),
    binaryConfirmations: inAMinute(binary.confirmations - confirmedBefore[1]),
    unconfirmedBytes,
    behind,
    pipeBytes: (late?.merged?.[0] ?? NaN) - readBefore,
    mergedBytes: late?.merged?.[1] ?? NaN,
    stateBytes: fresh.first,
    sentBytes,
  };
}

/**
 * Measures alternately with and without clients that do not read, because the machine may be busy with something else.
 * @returns the median p99 latency of the others with those clients, relative to that without them
 */
export async function compare(workerd: Workerd, crowd: Crowd, turns: number): Promise<number> {
  const { room, movers, rate, stalled, seconds, trail } = crowd;
  const enter = entranceOf(workerd, room);
  const players = await enter(movers, "mover");
  const stop = startMoving(players, rate, trail);
  const measure = async () => {
    for (const { latencies } of players) latencies.length = 0;
    await wait(seconds * 1000);
    return p99Of(players);
  };
  const without: number[] = [];
  const beside: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    // Wait until the effects of the clients that left are over.
    await wait(5000);
    without.push(await measure());
    const slow = await enter(stalled, `slow-${turn}`);
    for (const { socket } of slow) socket.pause();
    await wait(1000);
    beside.push(await measure());
    for (const { socket } of slow) socket.terminate();
  }
  stop();
  for (const { socket } of players) socket.terminate();
  console.log(stalled, "do not read: p99 of others, in turns:", { without, beside });
  return median(beside) / median(without);
}

/** Returns a function that connects clients to a room. */
function entranceOf({ port }: Workerd, room: string) {
  const url = `ws://127.0.0.1:${port}/parties/main/${room}?protocol=2`;
  return async (count: number, name: string, more = ""): Promise<Watcher[]> => {
    const all = Array.from({ length: count }, (_, index) => new Watcher(`${url}${more}&id=${name}-${index}`));
    await Promise.all(all.map(({ open }) => open));
    return all;
  };
}

/** @returns a function that stops it */
function startMoving(players: readonly Watcher[], rate: number, trail: number): () => void {
  const text = "x".repeat(trail - 1);
  const timers = players.map((player, index) => {
    const move = () => player.move(text + String.fromCharCode(97 + Math.floor(Math.random() * 26)));
    return setInterval(move, 1000 / rate + (index % 7) / 10);
  });
  return () => timers.forEach((timer) => clearInterval(timer));
}

function p99Of(players: readonly Watcher[]): number {
  const latencies = players.flatMap((player) => player.latencies).toSorted((a, b) => a - b);
  return latencies[Math.floor(latencies.length * 0.99)] ?? NaN;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function whoIs({ port }: Workerd, room: string): Promise<{ behind: number; unconfirmedBytes: number }> {
  const answer = await fetch(`http://127.0.0.1:${port}/parties/main/${room}/who`);
  return answer.json();
}
