import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync, users } from "../../src/index.ts";
import { ResumingClient } from "../room/sync/resuming-client.ts";
import { MemoryTree } from "../support/memory-shards.ts";

it.each(["crash", "evict"] as const)(
  "P9.10, %s: changes that wait for applySync are part of the state that shards get, not a packet before it",
  async (how) => {
    const state = () => ({ count: sync(signal(0)), other: sync(signal(0)) });
    const tree = new MemoryTree<ReturnType<typeof state>>(defineRoom({ path: "r", throttleSync: 0, state }).compiled);
    const clients = ["s", "t"].map((shard) => {
      const client = new ResumingClient();
      client.connected(tree.add(shard).connect(`at ${shard}`, null, client.query));
      return client;
    });
    const set = (value: number) => {
      tree.room.change(({ count }) => count.set(value));
      tree.room.core.handle.applySync();
    };
    await tree.advance(500);
    tree.room.core.handle.autoSync = false;
    set(1);
    await tree.advance(300);
    tree.room.change(({ other }) => other.set(1));
    await tree.advance(3000);
    if (how === "crash") tree.room.crash();
    else await tree.room.evict();
    await tree.advance(3000);
    // The client checks the numbers.
    for (const client of clients) client.read();
    set(2);
    await tree.advance(3000);
    for (const client of clients) {
      client.read();
      expect(client.state).toMatchObject({ count: 2, other: 1 });
    }
  },
);

it("P9.10: a room that hibernates with waiting changes after it sent others continues, and sends nothing", async () => {
  // A packet with changes for some clients has no number, so the stored numbers are outdated when it was sent.
  const state = () => ({ other: sync(signal(0), { visibleTo: () => true }) });
  const tree = new MemoryTree<ReturnType<typeof state>>(defineRoom({ path: "r", throttleSync: 0, state }).compiled);
  const { room } = tree;
  const socket = tree.add("s").connect("somebody", null, "protocol=2");
  const change = (value: number) => room.change(({ other }) => other.set(value));
  await tree.advance(500);
  room.core.handle.autoSync = false;
  change(1);
  await tree.advance(5000);
  await room.evict();
  await tree.advance(300);
  room.core.handle.applySync();
  await tree.advance(300);
  const sent = socket.frames.length;
  change(2);
  await tree.advance(5000);
  await room.evict();
  await tree.advance(500);
  expect(room.storage.get("$ahead")).toBeUndefined();
  expect(room.core.handle.pendingSync).toBe(true);
  expect(socket.frames.length).toBe(sent);
});

class Player {
  name = sync(signal(""));
}

it.each(["", "protocol=2", "protocol=2&protocol=3"])(
  "P9.3: a client at a shard that slept gets what its room could not send before a crash, though another client joins: %s",
  async (query) => {
    const state = () => ({ count: sync(signal(0)), players: users(Player) });
    const definition = defineRoom({ path: "r", throttleSync: 0, throttleStorage: 0, state });
    const tree = new MemoryTree<ReturnType<typeof state>>(definition.compiled);
    const { room } = tree;
    const shard = tree.add("s");
    const ada = new ResumingClient();
    ada.connected(shard.connect("ada", null, query));
    await tree.advance(5000);
    shard.evict();
    // The room accepts Bob and Cid, and crashes before the shard gets any packet with them.
    const { shards } = room;
    room.shards = {
      introduce: (to, boot) => shards.introduce(to, boot),
      deliver: (to, batch) =>
        batch.items.some(({ kind }) => kind !== "attach") ? new Promise(() => {}) : shards.deliver(to, batch),
    };
    const others = ["bob", "cid"].map((name) => shard.connect(name, null, query));
    await tree.advance(100);
    expect(Object.keys(room.state.players())).toHaveLength(3);
    room.shards = shards;
    room.crash();
    await tree.advance(10_000);
    ada.read();
    expect(Object.keys(ada.state["players"] as object)).toHaveLength(3);
    for (const { texts } of others) expect(texts[0]).toContain('"pId"');
    room.change(({ count }) => count.set(1));
    await tree.advance(1000);
    ada.read();
    expect(ada.state).toMatchObject({ count: 1 });
  },
);
