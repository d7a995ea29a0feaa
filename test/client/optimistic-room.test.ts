import { signal } from "@signe/reactive";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { connectRoom } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";
import { WireSocket } from "./wire.ts";
import type { Service } from "./wire.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const stateOf = () => ({ count: sync(signal(0)) });
const define = (throttleSync: number, autoSync: boolean) =>
  defineRoom({
    path: "r",
    throttleSync,
    autoSync,
    state: stateOf,
    actions: {
      /** Limits the value to 10. */
      set: { input: z.number(), run: ({ state }, count) => state.count.set(Math.min(count, 10)) },
    },
  });

async function play(throttleSync: number, autoSync = true) {
  const definition = define(throttleSync, autoSync);
  const room = new MemoryRoom<ReturnType<typeof stateOf>>(definition.compiled);
  let wire: WireSocket | undefined;
  const service: Service = {
    connect: (query) => room.connect("me", null, undefined, query.toString()),
    send: (socket, text) => void room.core.message(socket, text),
    disconnect: (socket) => room.disconnect(socket),
  };
  const adopt = (socket: WireSocket) => (wire = socket);
  class Socket extends WireSocket {
    constructor(url: string) {
      super(url, service, () => "fine");
      adopt(this);
    }
  }
  const game = connectRoom<typeof definition>({ host: "h", room: "r", socket: { WebSocket: Socket, protocol: "ws" } });
  const advance = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms);
    wire?.pump();
    await room.advance(ms);
    wire?.pump();
    await vi.advanceTimersByTimeAsync(0);
  };
  await advance(10);
  room.core.handle.applySync();
  await advance(1000);
  expect(game.status).toBe("open");
  const counts: number[] = [];
  game.select(
    ({ count }) => count,
    (count) => counts.push(count),
  );
  const set = async (count: number) => {
    const done = game.optimistic("set", count, (state) => ({ ...state, count }));
    await advance(1);
    await done;
  };
  return { room, game, advance, counts, set };
}

describe("optimistic with a room", () => {
  it.each([0, 50, 500, 5000])("never shows an older value, with a packet every %i ms", async (throttleSync) => {
    const { game, advance, counts, set } = await play(throttleSync);
    for (const count of [1, 2, 3, 4]) {
      await set(count);
      await advance(150);
    }
    await advance(6000);
    expect(counts).toEqual([1, 2, 3, 4]);
    await set(12);
    await set(12);
    await advance(6000);
    expect(game.state.count).toBe(10);
    game.close();
  });

  it("stays until the room sends manually, also after hibernation", async () => {
    const { room, game, advance, counts, set } = await play(0, false);
    await set(12);
    await advance(20_000);
    expect(counts).toEqual([12]);
    await room.evict();
    await advance(1000);
    expect(counts).toEqual([12]);
    room.core.handle.applySync();
    await advance(10);
    expect(counts).toEqual([12, 10]);
    // The state does not change, so no packet needs to arrive first.
    await set(11);
    expect(counts).toEqual([12, 10, 11, 10]);
    game.close();
  });
});
