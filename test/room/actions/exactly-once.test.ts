import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { sync } from "../../../src/state/fields.ts";
import { testRoom } from "../../support/harness.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

const stateOf = () => ({ count: sync(signal(0)) });
type State = ReturnType<typeof stateOf>;

function definitionWith(throttleStorage: number, slow: Promise<void> = Promise.resolve()) {
  return defineRoom({
    path: "room-{id}",
    throttleSync: 0,
    throttleStorage,
    state: stateOf,
    actions: {
      add: { run: ({ state }) => state.count.update((count) => count + 1) },
      count: { run: ({ state }) => state.count() },
      fail: {
        run({ state }) {
          state.count.set(99);
          throw new Error("broken");
        },
      },
      wait: {
        async run({ state }) {
          await slow;
          state.count.update((count) => count + 1);
          return state.count();
        },
      },
      long: {
        run({ state }) {
          state.count.update((count) => count + 1);
          return "x".repeat(6000);
        },
      },
      read: { run: (_context, size) => "x".repeat(size as number) },
      circle: {
        async run() {
          const circle: Record<string, unknown> = {};
          circle["self"] = circle;
          return circle;
        },
      },
    },
  });
}
const memory = (throttleStorage = 0) => new MemoryRoom<State>(definitionWith(throttleStorage).compiled);
const join = (room: MemoryRoom<State>, session = "ada", query = "protocol=2") =>
  room.connect(session, null, undefined, query);

async function ask(room: MemoryRoom<State>, socket: MemorySocket, action: string, id: string | number) {
  const before = socket.texts.length;
  await room.core.message(socket, JSON.stringify({ action, id }));
  return socket.texts.slice(before).filter((text) => !text.includes('"sync"'));
}

/** An answer without its number: a repeated answer gets a new one (P4.12). */
const withoutSeq = (text: string | undefined) => text?.replace(/^\{"type":"ack","seq":\d+,/, '{"type":"ack",');

describe("P3.6: a message that is sent again", () => {
  it("after a reconnect is not run, and gets the first answer", async () => {
    const room = memory();
    const first = await join(room);
    const answer = await ask(room, first, "count", "a");
    await ask(room, first, "add", "b");
    room.disconnect(first);
    const second = await join(room);
    expect((await ask(room, second, "count", "a")).map(withoutSeq)).toEqual(answer.map(withoutSeq));
    await ask(room, second, "add", "b");
    expect(room.state.count()).toBe(1);
    await ask(room, second, "add", "c");
    expect(room.state.count()).toBe(2);
  });

  it("is not run after hibernation and crashes either, even if it failed", async () => {
    const room = memory();
    let socket = await join(room);
    const refused = await ask(room, socket, "fail", 1);
    expect(refused.join()).toContain("internal");
    room.change((state) => state.count.set(5));
    await room.evict();
    expect(await ask(room, socket, "fail", 1)).toEqual(refused);
    room.crash();
    socket = await join(room);
    expect(await ask(room, socket, "fail", 1)).toEqual(refused);
    expect(room.state.count()).toBe(5);
  });

  it("is not run again for an answer that is too large to be stored, and the session is still stored", async () => {
    const room = memory();
    const first = await join(room);
    const before = first.texts.length;
    const text = JSON.stringify({ action: "read", value: 3_000_000, id: "a" });
    await room.core.message(first, text);
    expect(first.texts.slice(before).join()).toContain('"type":"ack"');
    expect(JSON.stringify(room.storage.rows.get("$apart:session:ada")).length).toBeLessThan(1000);
    room.disconnect(first);
    const second = await join(room);
    await room.core.message(second, text);
    expect(second.texts.at(-1)).toBe(
      '{"type":"error","value":{"code":"internal","message":"This message was handled before, and its answer is no longer stored","id":"a"}}',
    );
  });

  it("is answered once to each connection that asks while it is handled", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const room = new MemoryRoom<State>(definitionWith(0, promise).compiled);
    const [first, second] = [await join(room), await join(room)];
    const handled = room.core.message(first, '{"action":"wait","id":"a"}');
    for (let time = 0; time < 100; time++) await room.core.message(second, '{"action":"wait","id":"a"}');
    resolve();
    await handled;
    for (const { texts } of [first, second]) expect(texts.filter((text) => text.includes('"ack"'))).toHaveLength(1);
    expect(room.state.count()).toBe(1);
  });

  it("is known if its answer was stored with the session, as before answers had their own rows", async () => {
    const room = memory();
    const answer = '{"type":"ack","value":{"id":"a","result":7}}';
    room.storage.rows.set("$session:ada", { publicId: "p", offlineSince: room.clock.time, answers: [["a", answer]] });
    for (const _start of ["the first", "the second"]) {
      room.crash();
      const socket = await join(room);
      const [again] = await ask(room, socket, "add", "a");
      expect(again?.replace(/"seq":\d+,/, "")).toBe(answer);
    }
    expect(room.state.count()).toBe(0);
    expect(room.storage.rows.get("$session:ada")).not.toHaveProperty("answers");
    expect(room.storage.rows.get("$apart:session:ada")).toEqual({ answers: [["a", answer]] });
  });

  it("is run if a crash undid it", async () => {
    const room = memory(1000);
    await ask(room, await join(room), "add", "a");
    room.crash();
    expect(room.state.count()).toBe(0);
    await ask(room, await join(room), "add", "a");
    expect(room.state.count()).toBe(1);
  });

  it("waits for the same answer while the first one runs", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const room = new MemoryRoom<State>(definitionWith(0, promise).compiled);
    const first = await join(room);
    const running = room.core.message(first, '{"action":"wait","id":"w"}');
    room.disconnect(first);
    const second = await join(room);
    await room.core.message(second, '{"action":"wait","id":"w"}');
    expect(second.texts.join()).not.toContain("ack");
    resolve();
    await running;
    expect(withoutSeq(second.texts.at(-1))).toBe('{"type":"ack","value":{"id":"w","result":1}}');
    expect(room.state.count()).toBe(1);
  });

  it("is a different message in another session, or with another type of id", async () => {
    const room = memory();
    const ada = await join(room, "ada");
    const bob = await join(room, "bob");
    await ask(room, ada, "add", "1");
    await ask(room, ada, "add", 1);
    await ask(room, bob, "add", "1");
    expect(room.state.count()).toBe(3);
  });

  it("is run again for clients of protocol 1, which may use an id twice", async () => {
    const room = memory();
    const socket = await join(room, "ada", "");
    await ask(room, socket, "add", "a");
    await ask(room, socket, "add", "a");
    expect(room.state.count()).toBe(2);
  });

  it("is forgotten after 64 others", async () => {
    const room = memory();
    const socket = await join(room);
    for (let id = 0; id < 65; id++) await ask(room, socket, "add", id);
    await ask(room, socket, "add", 1);
    expect(room.state.count()).toBe(65);
    await ask(room, socket, "add", 0);
    expect(room.state.count()).toBe(66);
    expect((room.storage.rows.get("$apart:session:ada") as { answers: unknown[] }).answers).toHaveLength(64);
  });

  it("is known without its answer, if answers are long", async () => {
    const room = memory();
    const socket = await join(room);
    for (let id = 0; id < 5; id++) await ask(room, socket, "long", id);
    const [first] = await ask(room, socket, "long", 0);
    expect(JSON.parse(first ?? "")).toMatchObject({ type: "error", value: { id: 0, code: "internal" } });
    for (const id of [3, 4]) expect((await ask(room, socket, "long", id)).join()).toMatch(/^\{"type":"ack".*x{6000}/);
    expect(room.state.count()).toBe(5);
    expect(JSON.stringify(room.storage.rows.get("$apart:session:ada")).length).toBeLessThan(17_000);
  });

  it("works over a real socket", async () => {
    const room = testRoom(definitionWith(0), "room-once");
    const first = await room.connect({ id: "ada", query: "protocol=2" });
    expect((await first.call("wait")).value["result"]).toBe(1);
    first.close();
    await first.closed;
    const second = await room.connect({ id: "ada", query: "protocol=2" });
    // The harness numbers the calls of each client from 0, so these are other calls with the same ids.
    expect((await second.call("wait")).value["result"]).toBe(1);
    expect((await second.call("wait")).value["result"]).toBe(2);
  });
});

it("a result that JSON cannot represent is an internal error, also of an async action", async () => {
  const room = memory();
  const socket = await join(room, "ada", "");
  expect((await ask(room, socket, "circle", "x")).join()).toContain('"code":"internal"');
});
