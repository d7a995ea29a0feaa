import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { connected, sync } from "../../src/state/fields.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import type { MemoryShard } from "../support/memory-shards.ts";
import type { MemorySocket } from "../support/memory.ts";

const LARGE = "x".repeat(244_000);
const definition = defineRoom({
  path: "r",
  throttleSync: 0,
  rateLimit: { messages: 1e6, per: 1 },
  state: () => ({ count: sync(signal(0)) }),
  actions: {
    count: { run: ({ state }) => state.count.update((count) => count + 1) },
    read: { run: () => LARGE },
  },
});
const FRAME = JSON.stringify({ action: "count", value: "x".repeat(60_000) });

/** A shard with one well-behaved player, and the sockets of one stranger, or of many. */
async function scene(sockets: number, nameOf = (_index: number) => "stranger") {
  const tree = new MemoryTree<unknown>(definition.compiled);
  const shard = tree.add("s");
  const good = shard.connect("good");
  const hostile = Array.from({ length: sockets }, (_, index) => shard.connect(nameOf(index)));
  await tree.advance(100);
  return { tree, shard, good, hostile };
}

async function expectServed(tree: MemoryTree<unknown>, shard: MemoryShard, good: MemorySocket): Promise<void> {
  shard.send(good, { action: "count", id: "last" });
  await tree.advance(10_000);
  expect(good.closedWith).toBeUndefined();
  // In a room with many clients, those that left may be announced only after the answer.
  expect(good.texts.some((text) => text.includes('"last"'))).toBe(true);
  expect(tree.room.log.map(({ event }) => event)).not.toContain("shard_lost");
}

describe("clients that flood a shard", () => {
  it.each([
    ["while the room answers", () => "fine" as const],
    ["while the room cannot be reached", () => "lost" as const],
  ])("are closed, and other clients there stay connected (%s)", async (_, fate) => {
    const { tree, shard, good, hostile } = await scene(60);
    tree.fate = fate;
    for (const socket of hostile) for (let sent = 0; sent < 31; sent++) shard.send(socket, FRAME);
    await tree.advance(2000);
    expect(good.closedWith).toBeUndefined();
    expect(hostile.some(({ closedWith }) => closedWith?.code === 4429)).toBe(true);
    tree.fate = () => "fine";
    await expectServed(tree, shard, good);
  });

  it("with many session ids are closed too, but only as many as needed", async () => {
    const { tree, shard, good, hostile } = await scene(60, (index) => `stranger-${index}`);
    tree.fate = () => "lost";
    shard.send(good, { action: "count", id: "early" });
    for (const socket of hostile) for (let sent = 0; sent < 31; sent++) shard.send(socket, FRAME);
    await tree.advance(2000);
    const closed = hostile.filter(({ closedWith }) => closedWith?.code === 4429).length;
    expect(closed).toBeGreaterThan(40);
    expect(closed).toBeLessThan(60);
    tree.fate = () => "fine";
    await expectServed(tree, shard, good);
    expect(good.texts.join()).toContain('"early"');
  });

  it("that join with long addresses are closed too", async () => {
    const { tree, shard, good } = await scene(0);
    tree.fate = () => "lost";
    const query = `q=${"x".repeat(16_000)}`;
    const joining = Array.from({ length: 900 }, (_, index) => shard.connect(`stranger-${index}`, null, query));
    for (let round = 0; round < 8; round++) {
      for (const socket of joining.splice(0, 300)) shard.disconnect(socket);
      joining.push(...Array.from({ length: 300 }, (_, index) => shard.connect(`s-${round}-${index}`, null, query)));
    }
    await tree.advance(2000);
    expect(good.closedWith).toBeUndefined();
    tree.fate = () => "fine";
    await expectServed(tree, shard, good);
  });

  it("that ask for large answers are closed, and the room keeps its shard", async () => {
    const { tree, shard, good, hostile } = await scene(1);
    const [reader] = hostile as [MemorySocket];
    for (let asked = 0; asked < 200; asked++) shard.send(reader, { action: "read", id: asked });
    await tree.advance(10_000);
    expect(reader.closedWith?.code).toBe(4429);
    await expectServed(tree, shard, good);
  });
});

it("connections of a user are counted over all shards", async () => {
  const tree = new MemoryTree<unknown>(definition.compiled);
  const shards = [tree.add("s0"), tree.add("s1")];
  const sockets = Array.from({ length: 20 }, (_, index) => shards[index % 2]?.connect("user"));
  await tree.advance(100);
  const codes = sockets.map((socket) => socket?.closedWith?.code);
  expect(codes.filter((code) => code === undefined)).toHaveLength(16);
  expect(codes.filter((code) => code === 4429)).toHaveLength(4);
});

describe("a shard that is unreachable for a while", () => {
  class Player {
    online = connected();
  }
  const stateOf = () => ({ players: users(Player), text: sync(signal("")), note: sync(signal(0)) });
  type State = ReturnType<typeof stateOf>;
  const game = defineRoom({ path: "r", throttleSync: 0, state: stateOf });

  it.each(["", "protocol=2"])(
    "gets the state instead of long changes, and no user goes offline (%s)",
    async (query) => {
      const tree = new MemoryTree<State>(game.compiled);
      const shard = tree.add("s");
      const sockets = [shard.connect("a", null, query), shard.connect("b", null, query)];
      await tree.advance(100);
      const { shards } = tree.room;
      tree.room.shards = { ...shards, deliver: () => Promise.reject(new Error("lost")) };
      for (let round = 0; round < 80; round++) {
        tree.room.change((state) => {
          state.text.set(String(round % 10).repeat(1_000_000));
          state.note.set(round);
        });
        await tree.advance(100);
      }
      tree.room.shards = shards;
      await tree.advance(10_000);
      const events = tree.room.log.map(({ event }) => event);
      expect(events).toContain("shard_slow");
      expect(events).not.toContain("shard_lost");
      for (const { clients, closedWith } of sockets) {
        expect(closedWith).toBeUndefined();
        expect(clients[0]?.state).toMatchObject({ note: 79, text: "9".repeat(1_000_000) });
      }
      tree.room.change((state) => state.note.set(100));
      await tree.advance(100);
      for (const { clients } of sockets) expect(clients[0]?.state).toMatchObject({ note: 100 });
      expect(JSON.stringify(sockets[0]?.clients[0]?.state).match(/"online":true/g)).toHaveLength(2);
      expect(JSON.stringify(sockets.map(({ texts }) => texts))).not.toContain('online\\":false');
    },
  );
});

it("messages of a user at a shard whose onJoin never ends are limited", async () => {
  let counted = 0;
  const gate = Promise.withResolvers<void>();
  const slow = defineRoom({
    path: "r",
    rateLimit: { messages: 1e6, per: 1 },
    state: () => ({}),
    actions: { count: { run: () => ++counted } },
    onJoin: ({ conn }) => (conn.sessionId === "good" ? undefined : gate.promise),
  });
  const tree = new MemoryTree<unknown>(slow.compiled);
  const shard = tree.add("s");
  const [good, stuck, patient] = ["good", "stuck", "patient"].map((name) => shard.connect(name)) as [
    MemorySocket,
    MemorySocket,
    MemorySocket,
  ];
  await tree.advance(100);
  shard.send(patient, { action: "count", id: "first" });
  shard.send(patient, { action: "count", id: "second" });
  for (let sent = 0; sent < 60; sent++) {
    shard.send(stuck, FRAME);
    await tree.advance(20);
  }
  expect(stuck.closedWith?.code).toBe(4429);
  expect(counted).toBe(0);
  gate.resolve();
  await tree.advance(100);
  expect(counted).toBe(2);
  expect(patient.texts.at(-1)).toContain('"second"');
  await expectServed(tree, shard, good);
});

it("a message or answer that is too large for a call between objects ends one connection, not the shard's", async () => {
  const huge = defineRoom({
    path: "r",
    maxMessageBytes: 32 * 1024 * 1024,
    state: () => ({}),
    actions: { count: { run: () => 1 }, read: { run: () => "x".repeat(16_000_000) } },
  });
  const tree = new MemoryTree<unknown>(huge.compiled);
  const shard = tree.add("s");
  const [good, sender, reader] = ["good", "sender", "reader"].map((name) => shard.connect(name)) as [
    MemorySocket,
    MemorySocket,
    MemorySocket,
  ];
  await tree.advance(100);
  shard.send(sender, { action: "count", value: "x".repeat(16_000_000) });
  shard.send(reader, { action: "read", id: 1 });
  await tree.advance(1000);
  expect(sender.closedWith?.code).toBe(1009);
  expect(reader.closedWith?.code).toBe(1011);
  expect(tree.room.core.handle.connections).toHaveLength(1);
  await expectServed(tree, shard, good);
});
