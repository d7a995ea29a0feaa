import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync } from "../../src/index.ts";
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
