import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { sync } from "../../../src/state/fields.ts";
import { MemoryTree } from "../../support/memory-shards.ts";
import type { MemorySocket } from "../../support/memory.ts";

/** Rooms that switch `autoSync` off while something waits. */

const state = () => ({ count: sync(signal(0)) });
const actions = {
  add: { run: ({ state: { count } }: { state: ReturnType<typeof state> }) => count.update((n) => n + 1) },
};

/** A room with a long window between packets, and clients at the room or at a shard. */
function roomFor(via: "room" | "shard") {
  const tree = new MemoryTree<ReturnType<typeof state>>(
    defineRoom({ path: "r", throttleSync: 5000, state, actions }).compiled,
  );
  const shard = tree.add("s0");
  const { room } = tree;
  const connect = async (session: string): Promise<MemorySocket> => {
    const socket =
      via === "room"
        ? await room.connect(session, null, undefined, "protocol=2")
        : shard.connect(session, null, "protocol=2");
    await tree.advance(100);
    return socket;
  };
  const send = (socket: MemorySocket, message: object) =>
    via === "room" ? void room.core.message(socket, JSON.stringify(message)) : shard.send(socket, message);
  const news = (socket: MemorySocket) =>
    socket.texts.splice(0).map((text) => JSON.parse(text) as { type: string; value: object });
  return { tree, room, connect, send, news };
}

describe.each(["room", "shard"] as const)(
  "P4.9: a client whose first packet waits when autoSync is switched off, at a %s",
  (via) => {
    async function waiting() {
      const all = roomFor(via);
      await all.connect("ada");
      const bob = await all.connect("bob");
      expect(all.news(bob), "the window has not ended").toEqual([]);
      all.room.core.handle.autoSync = false;
      return { ...all, bob };
    }

    it("gets other packets at once", async () => {
      const { tree, room, send, news, bob } = await waiting();
      send(bob, { action: "add", id: 1 });
      await tree.advance(10);
      room.core.handle.broadcast({ type: "hello" });
      await tree.advance(20_000);
      expect(news(bob).map(({ type }) => type)).toEqual(["ack", "hello"]);
    });

    it("gets its first packet with applySync, after hibernation too", async () => {
      const { tree, room, news, bob } = await waiting();
      await tree.advance(60_000);
      expect(room.isIdle && room.core.parts.shardLinks.isAcknowledged).toBe(true);
      await room.evict();
      await tree.advance(1000);
      expect(news(bob)).toEqual([]);
      room.core.handle.applySync();
      await tree.advance(1000);
      expect(news(bob).map(({ value }) => value)).toEqual([{ pId: expect.any(String) as string, count: 0 }]);
    });
  },
);
