import { signal } from "@signe/reactive";
import { defineRoom } from "../../src/define/define-room.ts";
import { quantized } from "../../src/state/codecs.ts";
import type { Codec } from "../../src/state/codecs.ts";
import { users } from "../../src/app/users.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { near } from "../../src/state/near.ts";
import { MemoryRoom } from "../support/memory.ts";
import type { MemorySocket } from "../support/memory.ts";
import { gameRoom, Player } from "./workers/game-room.ts";
import type { GameState } from "./workers/game-room.ts";

/** Cases that measure how many bytes rooms send. Nothing in them is random, so that each run has the same result. */

export interface Position {
  readonly x: number;
  readonly y: number;
}

/** The positions of moving entries by key: the first ones, then those after each step. */
export type Movement = readonly Readonly<Record<string, Position>>[];

/** The bytes that one client received: per entity that moved, or in total. */
export interface Bytes {
  readonly json: number;
  readonly binary: number;
}

export interface ByteCase {
  readonly title: string;
  /** The upper limit for the binary protocol, in bytes. */
  readonly target: number;
  readonly measure: () => Promise<Bytes>;
  /** The movement that peers are measured with. Missing if peers have nothing comparable. */
  readonly movement?: Movement;
  readonly isQuantized?: true;
}

const WIDTH = 1000;
const WINDOWS = 6;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Numbers from 0 to 1 that look random, and are the same in each run. */
function numbers(): () => number {
  let seed = 1;
  return () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
}

function movement(
  count: number,
  windows: number,
  next: (before: number | undefined, random: number) => number,
): Movement {
  const random = numbers();
  const key = () => Array.from({ length: 12 }, () => LETTERS[Math.floor(random() * LETTERS.length)]).join("");
  const keys = Array.from({ length: count }, key);
  const frames: Record<string, Position>[] = [];
  for (let window = 0; window < windows; window++) {
    const before = frames.at(-1);
    const moved = (one: string) => ({ x: next(before?.[one]?.x, random()), y: next(before?.[one]?.y, random()) });
    frames.push(Object.fromEntries(keys.map((one) => [one, moved(one)])));
  }
  return frames;
}
const anywhere = (_: unknown, random: number) => random * WIDTH;
const wholeNumber = (_: unknown, random: number) => Math.floor(random * WIDTH);
const step = (most: number) => (before: number | undefined, random: number) =>
  before === undefined ? random * WIDTH : Math.min(WIDTH, Math.max(0, before + (random * 2 - 1) * most));

type Numbers = Record<string, { x: { set(value: number): void }; y: { set(value: number): void } }>;

function place(entries: Numbers, positions: Readonly<Record<string, Position>>): void {
  for (const [key, { x, y }] of Object.entries(positions)) {
    entries[key]?.x.set(x);
    entries[key]?.y.set(y);
  }
}

/** Connects one client that reads JSON, and one with the binary protocol. */
async function join(room: MemoryRoom<unknown>): Promise<readonly MemorySocket[]> {
  return [
    await room.connect("json", null, undefined, "protocol=2"),
    await room.connect("binary", null, undefined, "protocol=2&protocol=3"),
  ];
}

function bytesOf(frame: string | Uint8Array | undefined): number {
  return typeof frame === "string" ? new TextEncoder().encode(frame).length : (frame?.length ?? 0);
}

async function measureMovers(frames: Movement, as: Codec<number> | undefined): Promise<Bytes> {
  const options = as ? { as } : {};
  class Mover {
    x = sync(signal(0), options);
    y = sync(signal(0), options);
  }
  const state = () => ({ movers: collection(Mover) });
  const room = new MemoryRoom<ReturnType<typeof state>>(
    defineRoom({ path: "bytes-{id}", throttleSync: 0, state }).compiled,
  );
  const sockets = await join(room);
  const [first = {}, ...later] = frames;
  room.change(({ movers }) => {
    for (const key of Object.keys(first)) movers()[key] = new Mover();
    place(movers(), first);
  });
  const sums = [0, 0];
  for (const positions of later) {
    room.change(({ movers }) => place(movers(), positions));
    for (const [index, { frames: sent }] of sockets.entries()) sums[index] = (sums[index] ?? 0) + bytesOf(sent.at(-1));
  }
  const moved = Object.keys(first).length * later.length;
  return { json: (sums[0] ?? 0) / moved, binary: (sums[1] ?? 0) / moved };
}

/** Both clients stand in the middle, and see everything within 100 of them. */
async function measureNear(frames: Movement, as: Codec<number>): Promise<Bytes> {
  class Walker {
    x = sync(signal(WIDTH / 2), { as });
    y = sync(signal(WIDTH / 2), { as });
  }
  const state = () => ({ players: users(Walker, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }) });
  const room = new MemoryRoom<ReturnType<typeof state>>(
    defineRoom({ path: "bytes-{id}", throttleSync: 0, state }).compiled,
  );
  const sockets = await join(room);
  const [first = {}, ...later] = frames;
  room.change(({ players }) => {
    for (const key of Object.keys(first)) players()[key] = new Walker();
    place(players(), first);
  });
  const sums = sockets.map(() => ({ bytes: 0, moved: 0 }));
  for (const positions of later) {
    room.change(({ players }) => place(players(), positions));
    for (const [index, { frames: sent, texts }] of sockets.entries()) {
      const { value } = JSON.parse(texts.at(-1) ?? "") as { value: { players: object } };
      const sum = sums[index] as { bytes: number; moved: number };
      sum.bytes += bytesOf(sent.at(-1));
      sum.moved += Object.keys(value.players).length;
    }
  }
  const [json = 0, binary = 0] = sums.map(({ bytes, moved }) => bytes / moved);
  return { json, binary };
}

/** The size of the first packet in a game of the benchmark with these players. */
async function measureFirst(positions: Readonly<Record<string, Position>>): Promise<Bytes> {
  const room = new MemoryRoom<GameState>(gameRoom("bytes-{id}", 0).compiled);
  room.change((state) => {
    for (const key of Object.keys(positions)) state.players()[key] = new Player();
    place(state.players(), positions);
  });
  const [json = 0, binary = 0] = (await join(room)).map(({ frames }) => bytesOf(frames[0]));
  return { json, binary };
}

const as = quantized({ min: 0, max: WIDTH, bits: 16 });
const far = movement(100, WINDOWS, anywhere);
const small = movement(100, WINDOWS, step(1.9));
const whole = movement(100, WINDOWS, wholeNumber);
const crowd = movement(1000, WINDOWS, step(1.9));
const many = movement(498, 1, wholeNumber);

export const CASES: readonly ByteCase[] = [
  {
    title: "100 movers, 16 bits, anywhere",
    target: 4.5,
    measure: () => measureMovers(far, as),
    movement: far,
    isQuantized: true,
  },
  {
    title: "100 movers, 16 bits, small steps",
    target: 2.6,
    measure: () => measureMovers(small, as),
    movement: small,
    isQuantized: true,
  },
  {
    title: "100 movers, no codec, whole numbers",
    target: 8,
    measure: () => measureMovers(whole, undefined),
    movement: whole,
  },
  { title: "100 movers, no codec, floats", target: 20, measure: () => measureMovers(far, undefined), movement: far },
  {
    title: "1,000 movers, 16 bits, some 30 in sight by `near`, small steps",
    target: 8,
    measure: () => measureNear(crowd, as),
  },
  {
    title: "the first packet of 500 players, in all",
    target: 9 * 1024,
    measure: () => measureFirst(many[0] ?? {}),
    movement: many,
  },
];
