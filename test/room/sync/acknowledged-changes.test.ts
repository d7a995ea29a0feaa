import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";
import { MemoryTree } from "../../support/memory-shards.ts";

class Player {
  hand = sync(signal(0), { visibleTo: "owner" });
}
const stateOf = () => ({ count: sync(signal(0)), players: users(Player), notes: collection(() => ({})) });
type State = ReturnType<typeof stateOf>;

interface Options {
  readonly throttleSync?: number;
  readonly autoSync?: boolean;
  readonly isIntercepted?: boolean;
}

function define({ throttleSync = 0, autoSync = true, isIntercepted = false }: Options) {
  return defineRoom({
    path: "room-{id}",
    throttleSync,
    autoSync,
    state: stateOf,
    ...(isIntercepted && { interceptorPacket: (_user: unknown, packet: unknown) => packet as never }),
    actions: {
      set: { input: z.number(), run: ({ state }, count) => state.count.set(count) },
      draw: { input: z.number(), run: ({ user }, hand) => user.hand.set(hand) },
      /** Changes a field that only another user sees. */
      deal: {
        input: z.object({ to: z.string(), hand: z.number() }),
        run: ({ state }, { to, hand }) => state.players()[to]?.hand.set(hand),
      },
      toggle: {
        run({ state }) {
          state.count.update((count) => count + 1);
          state.count.update((count) => count - 1);
        },
      },
      nothing: { run: () => {} },
      fail: {
        run() {
          throw new Error("broken");
        },
      },
    },
  }).compiled;
}

interface Packet {
  readonly type: string;
  readonly seq?: number;
  readonly value: Record<string, unknown>;
}
const parse = (texts: readonly string[]) => texts.map((text) => JSON.parse(text) as Packet);
/**
 * The packets of a socket with their numbers, such as `sync 3` or `ack 3`; or only `sync` or `ack` without a number.
 */
const numbersOf = ({ texts }: MemorySocket, from = 1) =>
  parse(texts.slice(from)).map(({ type, seq }) => (seq === undefined ? type : `${type} ${seq}`));

async function open(options: Options, ...queries: string[]) {
  const room = new MemoryRoom<State>(define(options));
  const sockets: MemorySocket[] = [];
  for (const [index, query] of queries.entries())
    sockets.push(await room.connect(`session-${index}`, null, undefined, query));
  await room.advance(2000);
  for (const socket of sockets) socket.texts.splice(1);
  let id = 0;
  const ask = (socket: MemorySocket, action: string, value?: unknown) =>
    room.core.message(socket, JSON.stringify({ action, value, id: ++id }));
  return { room, sockets: sockets as [MemorySocket, ...MemorySocket[]], ask };
}
const seqOf = ({ texts }: MemorySocket) => parse(texts.slice(0, 1))[0]?.seq ?? Number.NaN;

describe("P4.12: the acknowledgement names the sync packet that includes the action's changes", () => {
  it("is the last one if everything is sent", async () => {
    const { sockets, ask } = await open({}, "protocol=2");
    const [socket] = sockets;
    const seq = seqOf(socket);
    await ask(socket, "set", 1);
    await ask(socket, "nothing");
    expect(numbersOf(socket)).toEqual([`sync ${seq + 1}`, `ack ${seq + 1}`, `ack ${seq + 1}`]);
  });

  it("is the next one if changes wait for the window", async () => {
    const { room, sockets, ask } = await open({ throttleSync: 500 }, "protocol=2");
    const [socket] = sockets;
    const seq = seqOf(socket);
    await ask(socket, "set", 1);
    await ask(socket, "set", 2);
    expect(numbersOf(socket)).toEqual([`sync ${seq + 1}`, `ack ${seq + 1}`, `ack ${seq + 2}`]);
    await room.advance(600);
    expect(numbersOf(socket).at(-1)).toBe(`sync ${seq + 2}`);
  });

  it("is the next one until the room sends manually, also after hibernation", async () => {
    const { room, sockets, ask } = await open({ autoSync: false }, "protocol=2");
    const [socket] = sockets;
    room.core.handle.applySync();
    socket.texts.splice(1);
    const seq = seqOf(socket);
    await ask(socket, "nothing");
    await ask(socket, "set", 1);
    expect(numbersOf(socket)).toEqual([`ack ${seq}`, `ack ${seq + 1}`]);
    await room.advance(5000);
    await room.evict();
    await ask(socket, "nothing");
    expect(numbersOf(socket).at(-1)).toBe(`ack ${seq + 1}`);
    room.core.handle.applySync();
    expect(numbersOf(socket).at(-1)).toBe(`sync ${seq + 1}`);
  });

  it("has no number if only this client sees the change", async () => {
    const { room, sockets, ask } = await open({ throttleSync: 500 }, "protocol=2");
    const [socket] = sockets;
    const seq = seqOf(socket);
    await ask(socket, "set", 1);
    await ask(socket, "draw", 7);
    await room.advance(600);
    expect(numbersOf(socket)).toEqual([`sync ${seq + 1}`, `ack ${seq + 1}`, `ack ${seq + 2}`, "sync"]);
  });

  it.each(["deal", "toggle"])(
    "is followed by an empty packet if the client sees nothing of the change (%s)",
    async (action) => {
      const { room, sockets, ask } = await open({ throttleSync: 500 }, "protocol=2", "protocol=2", "");
      const [socket, other, old] = sockets as [MemorySocket, MemorySocket, MemorySocket];
      const to = parse(other.texts)[0]?.value["pId"];
      await ask(socket, "set", 1);
      const before = [socket, other, old].map(({ texts }) => texts.length);
      await ask(socket, action, action === "deal" ? { to, hand: 3 } : undefined);
      await ask(old, "nothing");
      await room.advance(600);
      const [mine, theirs, olds] = [socket, other, old].map(({ texts }, index) => parse(texts.slice(before[index])));
      expect(mine).toEqual([expect.objectContaining({ type: "ack" }), { type: "sync", value: {} }]);
      expect(theirs).toEqual(
        action === "deal" ? [{ type: "sync", value: { players: { [to as string]: { hand: 3 } } } }] : [],
      );
      expect(olds).toEqual([{ type: "ack", value: { id: 3 } }]);
      // The change must not be sent again.
      await room.advance(600);
      await ask(other, "set", 2);
      expect(parse(socket.texts).at(-1)?.value).toEqual({ count: 2 });
      await ask(other, "deal", { to, hand: 4 });
      await room.advance(600);
      expect(parse(socket.texts).at(-1)?.value).toEqual({ count: 2 });
    },
  );

  it("is followed by an empty packet after hibernation too, if it was announced", async () => {
    const { room, sockets, ask } = await open({ autoSync: false }, "protocol=2");
    const [socket] = sockets;
    room.core.handle.applySync();
    socket.texts.splice(1);
    await ask(socket, "set", 1);
    await room.advance(5000);
    await room.evict();
    room.change((state) => state.count.set(0));
    room.core.handle.applySync();
    expect(parse(socket.texts).at(-1)).toMatchObject({ type: "sync", value: {} });
  });

  it("is followed by an empty packet after hibernation at a shard too", async () => {
    const tree = new MemoryTree<State>(define({ autoSync: false }));
    const shard = tree.add("s0");
    const socket = shard.connect("session-0", null, "protocol=2");
    await tree.advance(2000);
    tree.room.core.handle.applySync();
    await tree.advance(2000);
    shard.send(socket, { action: "set", value: 1, id: 1 });
    await tree.advance(5000);
    await tree.room.evict();
    await tree.advance(5000);
    tree.room.change((state) => state.count.set(0));
    tree.room.core.handle.applySync();
    await tree.advance(1000);
    const [welcome, ...others] = parse(socket.texts);
    const seq = (welcome?.seq ?? 0) + 1;
    expect(others).toEqual([
      { type: "ack", seq, value: { id: 1 } },
      { type: "sync", value: {} },
    ]);
  });

  it("has a new number when an answer is sent again", async () => {
    const { room, sockets, ask } = await open({}, "protocol=2");
    const [socket] = sockets;
    await ask(socket, "set", 1);
    await ask(socket, "set", 2);
    room.disconnect(socket);
    const second = await room.connect("session-0", null, undefined, "protocol=2");
    await room.core.message(second, JSON.stringify({ action: "set", value: 1, id: 1 }));
    const [welcome, ack] = parse(second.texts);
    expect(ack).toEqual({ type: "ack", seq: welcome?.seq, value: { id: 1 } });
  });

  it("is 0 if everything is sent and nothing is numbered, and 1 if changes wait", async () => {
    const { sockets, ask } = await open({ throttleSync: 500, isIntercepted: true }, "protocol=2");
    const [socket] = sockets;
    await ask(socket, "set", 1);
    await ask(socket, "set", 2);
    expect(numbersOf(socket)).toEqual(["sync", "ack 0", "ack 1"]);
  });

  it("is not sent to clients of protocol 1, nor with errors", async () => {
    const { sockets, ask } = await open({}, "", "protocol=2");
    const [old, socket] = sockets as [MemorySocket, MemorySocket];
    await ask(old, "nothing");
    expect(old.texts.at(-1)).toBe('{"type":"ack","value":{"id":1}}');
    await ask(socket, "missing");
    expect(parse(socket.texts).at(-1)).not.toHaveProperty("seq");
  });

  it("holds at a shard", async () => {
    const tree = new MemoryTree<State>(define({ throttleSync: 500 }));
    const shard = tree.add("s0");
    const socket = shard.connect("session-0", null, "protocol=2");
    await tree.advance(2000);
    socket.texts.splice(1);
    const seq = seqOf(socket);
    shard.send(socket, { action: "set", value: 1, id: 1 });
    await tree.advance(100);
    shard.send(socket, { action: "set", value: 2, id: 2 });
    await tree.advance(100);
    shard.send(socket, { action: "toggle", id: 3 });
    await tree.advance(1000);
    expect(numbersOf(socket)).toEqual([
      `sync ${seq + 1}`,
      `ack ${seq + 1}`,
      `ack ${seq + 2}`,
      `ack ${seq + 2}`,
      `sync ${seq + 2}`,
    ]);
    shard.send(socket, { action: "set", value: 5, id: 4 });
    await tree.advance(100);
    socket.texts.splice(1);
    shard.send(socket, { action: "toggle", id: 5 });
    await tree.advance(1000);
    expect(parse(socket.texts.slice(1))).toEqual([
      { type: "ack", seq: seq + 4, value: { id: 5 } },
      { type: "sync", value: {} },
    ]);
  });
});
