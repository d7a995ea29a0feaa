import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { sync } from "../../src/state/fields.ts";
import type { MemorySocket } from "../support/memory.ts";
import { MemoryTree } from "../support/memory-shards.ts";

class Player {
  x = sync(signal(0));
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
}
const stateOf = () => ({ count: sync(signal(0)), players: users(Player) });
const options = {
  path: "r",
  throttleSync: 0,
  state: stateOf,
  actions: {
    move: { input: z.number(), run: ({ user }: { user: Player }, x: number) => user.x.set(x) },
    draw: { input: z.string(), run: ({ user }: { user: Player }, card: string) => user.hand.set([card]) },
    shout: { run: ({ room }: { room: { broadcast(packet: object): void } }) => room.broadcast({ type: "hey" }) },
  },
};
type State = ReturnType<typeof stateOf>;

/** A shard stops answering the room. @returns a function that lets it answer again */
function lose(tree: MemoryTree<State>, lost: string): () => void {
  const { shards } = tree.room;
  const gone = (shardId: string) => (shardId === lost ? Promise.reject(new Error("gone")) : undefined);
  tree.room.shards = {
    introduce: (shardId, boot) => gone(shardId) ?? shards.introduce(shardId, boot),
    deliver: (shardId, batch) => gone(shardId) ?? shards.deliver(shardId, batch),
  };
  return () => void (tree.room.shards = shards);
}

async function grow(shards: number, perShard: number, more: object = {}) {
  const tree = new MemoryTree<State>(defineRoom({ ...options, ...more }).compiled);
  const sockets: MemorySocket[] = [];
  for (let index = 0; index < shards; index++) {
    const shard = tree.add(`s${index}`);
    for (let client = 0; client < perShard; client++) sockets.push(shard.connect(`${index}-${client}`));
  }
  await tree.advance(10_000);
  for (const socket of sockets) {
    expect(socket.texts[0]).toContain('"pId"');
    socket.texts.length = 0;
  }
  tree.delivered.calls = tree.delivered.bytes = 0;
  return { tree, sockets };
}

/** The cost for the room if one number changes: the calls to shards, and their bytes. */
async function costOfChange(shards: number, perShard: number) {
  const { tree, sockets } = await grow(shards, perShard);
  tree.room.change((state) => state.count.set(1));
  await tree.advance(1000);
  for (const { texts } of sockets) expect(texts).toEqual(['{"type":"sync","value":{"count":1}}']);
  return { ...tree.delivered };
}

describe("P9: the packets of a room grow with its shards, not with their clients", () => {
  it("one frame per shard, however many clients it has", async () => {
    for (const shards of [1, 2, 4, 8]) {
      const [one, ten, hundred] = [
        await costOfChange(shards, 1),
        await costOfChange(shards, 10),
        await costOfChange(shards, 100),
      ];
      expect(one.calls).toBe(shards);
      expect(ten).toEqual(one);
      expect(hundred).toEqual(one);
    }
  });

  it("a broadcast is one frame per shard too", async () => {
    const { tree, sockets } = await grow(2, 20);
    const [first] = sockets as [MemorySocket];
    tree.shards.get("s0")?.send(first, { action: "shout" });
    await tree.advance(1000);
    expect(tree.delivered.calls).toBe(2);
    for (const { texts } of sockets) expect(texts).toEqual(['{"type":"hey"}']);
  });

  it("private changes are in the frame of their shard, and in no other", async () => {
    const { tree, sockets } = await grow(2, 20);
    const [first] = sockets as [MemorySocket];
    tree.shards.get("s0")?.send(first, { action: "draw", value: "ace" });
    await tree.advance(1000);
    expect(tree.delivered.calls).toBe(1);
    expect(sockets.filter(({ texts }) => texts.length > 0)).toEqual([first]);
    expect(first.texts.join()).toContain("ace");
  });

  it("first packets share the state: a hundred joins cost little more than one", async () => {
    const cost = async (clients: number) => {
      const { tree } = await grow(1, 0);
      tree.room.change((state) => {
        for (let index = 0; index < 200; index++) state.players()[`p${index}`] = new Player();
      });
      const shard = tree.shards.get("s0");
      for (let client = 0; client < clients; client++) shard?.connect(`late-${client}`);
      await tree.advance(1000);
      return tree.delivered.bytes;
    };
    const one = await cost(1);
    expect(one).toBeGreaterThan(4000);
    expect((await cost(100)) / one).toBeLessThan(12);
  });

  it("messages of many clients are sent to the room in batches", async () => {
    const { tree, sockets } = await grow(1, 100, { throttleSync: 50 });
    const relayed: number[] = [];
    const relay = tree.relay.bind(tree);
    tree.relay = (batch) => {
      relayed.push(batch.items.length);
      return relay(batch);
    };
    for (const [index, socket] of sockets.entries())
      tree.shards.get("s0")?.send(socket, { action: "move", value: index });
    await tree.advance(1000);
    expect(relayed).toEqual([100]);
    expect(tree.delivered.calls).toBeLessThanOrEqual(2);
  });

  it("many clients with long requests that reconnect after long changes are sent in calls of an acceptable size", async () => {
    const tree = new MemoryTree<{ text: { set(text: string): void } }>(
      defineRoom({ path: "r", throttleSync: 0, state: () => ({ text: sync(signal("")) }) }).compiled,
    );
    const shard = tree.add("s");
    let largest = 0;
    const note = (batch: object) => (largest = Math.max(largest, JSON.stringify(batch).length));
    const relay = tree.relay.bind(tree);
    tree.relay = (batch) => (note(batch), relay(batch));
    const { shards } = tree.room;
    tree.room.shards = {
      introduce: (shardId, boot) => shards.introduce(shardId, boot),
      deliver: (shardId, batch) => (note(batch), shards.deliver(shardId, batch)),
    };
    const arrive = (query: (index: number) => string) =>
      Array.from({ length: 100 }, (_, index) => shard.connect(`session-${index}`, null, query(index)));
    const first = arrive(() => `protocol=2&long=${"x".repeat(100_000)}`);
    await tree.advance(5000);
    const positions = first.map(({ texts }) => JSON.parse(texts[0] as string) as { seq: number; epoch: string });
    for (const socket of first) shard.disconnect(socket);
    await tree.advance(1000);
    tree.room.change((state) => state.text.set("y".repeat(100_000)));
    await tree.advance(1000);
    const again = arrive((index) => `protocol=2&since=${positions[index]?.seq}&epoch=${positions[index]?.epoch}`);
    await tree.advance(5000);
    for (const { texts } of again) expect(texts[0]?.slice(0, 60)).toContain('"resumed":true');
    expect(largest).toBeGreaterThan(1_000_000);
    expect(largest).toBeLessThan(5_000_000);
  });

  it("a quiet link does nothing: no timer, no call, and only the heartbeat's alarm", async () => {
    const { tree } = await grow(2, 3);
    await tree.advance(5000);
    expect(tree.room.isIdle && tree.room.core.parts.shardLinks.isAcknowledged).toBe(true);
    for (const shard of tree.shards.values()) expect(shard.isIdle).toBe(true);
    let calls = 0;
    const relay = tree.relay.bind(tree);
    tree.relay = (batch) => {
      calls++;
      return relay(batch);
    };
    await tree.advance(600_000);
    expect([calls, tree.delivered.calls]).toEqual([0, 0]);
  });

  it("hibernation on both sides does not affect clients", async () => {
    const { tree, sockets } = await grow(2, 3);
    for (const round of [1, 2, 3]) {
      await tree.advance(5000);
      await tree.room.evict();
      for (const shard of tree.shards.values()) shard.evict();
      await tree.advance(5000);
      const texts = sockets.map((socket) => socket.texts.length);
      tree.room.change((state) => state.count.set(round));
      await tree.advance(5000);
      for (const [index, socket] of sockets.entries()) {
        expect(socket.texts.slice(texts[index])).toEqual([`{"type":"sync","value":{"count":${round}}}`]);
      }
    }
  });
});

describe("P9: shards that are lost", () => {
  it("a user who left while the shard reported them does not return as a ghost", async () => {
    const { tree } = await grow(1, 1);
    const shard = tree.shards.get("s0");
    const { shards } = tree.room;
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    // The shard is asked again for its clients. Its answer takes so long that the client has joined and left meanwhile.
    tree.room.shards = {
      introduce: async (shardId, boot) => {
        const introduction = await shards.introduce(shardId, boot);
        await answered;
        return introduction;
      },
      deliver: (shardId, batch) => shards.deliver(shardId, batch),
    };
    const late = shard?.connect("late") as MemorySocket;
    shard?.core.introduce("another memory of the room");
    await tree.advance(1000);
    shard?.disconnect(late);
    await tree.advance(1000);
    answer();
    await tree.advance(5000);
    expect(tree.room.core.handle.connections).toHaveLength(1);
  });

  it("a user who joins while the shard's roster is in transit stays", async () => {
    const { tree } = await grow(1, 1);
    const { shards } = tree.room;
    let isKnown = false;
    tree.room.shards = {
      async introduce(shardId, boot) {
        const introduction = await shards.introduce(shardId, boot);
        await new Promise<void>((resolve) => tree.clock.after(1000, resolve));
        return introduction;
      },
      async deliver(shardId, batch) {
        if (isKnown) return shards.deliver(shardId, batch);
        isKnown = true;
        return { verdict: "unknown" };
      },
    };
    tree.room.change((state) => state.count.set(1));
    await tree.advance(500);
    const late = tree.shards.get("s0")?.connect("late") as MemorySocket;
    await tree.advance(5000);
    expect(tree.room.core.handle.connections).toHaveLength(2);
    expect(late.texts[0]).toContain('"pId"');
  });

  it("a user who leaves while the room decides about their join was never there", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const guards = [
      async () => {
        await promise;
        return true;
      },
    ];
    const tree = new MemoryTree<State>(defineRoom({ ...options, guards }).compiled);
    const shard = tree.add("s0");
    const socket = shard.connect("ada");
    await tree.advance(1000);
    shard.disconnect(socket);
    await tree.advance(1000);
    resolve();
    await tree.advance(1000);
    expect([tree.room.core.handle.connections, Object.keys(tree.room.state.players())]).toEqual([[], []]);
  });

  it("their users are offline as soon as the heartbeat finds out, and reconnect with their session", async () => {
    const { tree } = await grow(2, 2);
    const online = () => tree.room.core.handle.connections.length;
    tree.shards.get("s0")?.crash();
    expect(online()).toBe(4);
    await tree.advance(61_000);
    expect(online()).toBe(2);
    const socket = tree.shards.get("s1")?.connect("0-0") as MemorySocket;
    await tree.advance(1000);
    expect(online()).toBe(3);
    expect(Object.keys(tree.room.state.players())).toHaveLength(4);
    expect(socket.texts[0]).toContain('"pId"');
  });

  it("users of a shard that its World retired are offline at once, and take no place", async () => {
    const { tree, sockets } = await grow(2, 2);
    const retired = tree.shards.get("s0") as NonNullable<ReturnType<typeof tree.shards.get>>;
    await retired.core.retire();
    expect(sockets.map(({ closedWith }) => closedWith?.code)).toEqual([4503, 4503, undefined, undefined]);
    await tree.advance(100);
    expect(tree.room.core.handle.connections).toHaveLength(2);
  });

  it("nothing is stored of a shard that its World no longer knows", async () => {
    const { tree } = await grow(2, 2);
    const shard = tree.shards.get("s0") as NonNullable<ReturnType<typeof tree.shards.get>>;
    expect([...shard.storage.rows.keys()].toSorted()).toEqual(["assignment", "run"]);
    tree.report = async ({ shardId }) => shardId !== "s0";
    await tree.advance(61_000);
    expect([...shard.storage.rows.keys()]).toEqual([]);
    expect(shard.alarmAt).toBe(Infinity);
    expect(tree.room.core.handle.connections).toHaveLength(2);
  });

  it("users of a shard that was retired while it could not report it are offline when the room calls it", async () => {
    const { tree } = await grow(2, 2);
    tree.fate = () => "lost";
    await tree.shards.get("s0")?.core.retire();
    await tree.advance(70_000);
    tree.fate = () => "fine";
    tree.room.change((state) => state.count.set(1));
    await tree.advance(100);
    expect(tree.room.core.handle.connections).toHaveLength(2);
  });

  it("a shard that is unreachable for half a minute is given up", async () => {
    const { tree } = await grow(2, 2);
    lose(tree, "s0");
    tree.room.change((state) => state.count.set(1));
    await tree.advance(35_000);
    expect(tree.room.core.handle.connections).toHaveLength(2);
    expect(JSON.stringify(tree.room.log)).toContain("shard_lost");
    await tree.advance(60_000);
    expect(tree.room.isIdle).toBe(true);
  });

  it("a client that only listens at a shard that is back gets what it missed", async () => {
    const { tree, sockets } = await grow(2, 2);
    const find = lose(tree, "s0");
    tree.room.change((state) => state.count.set(1));
    await tree.advance(45_000);
    expect(tree.room.core.handle.connections).toHaveLength(2);
    find();
    await tree.advance(10_000);
    expect(tree.room.core.handle.connections).toHaveLength(4);
    for (const { clients } of sockets) expect(clients[0]?.state).toMatchObject({ count: 1 });
    tree.room.change((state) => state.count.set(2));
    await tree.advance(100);
    for (const { clients } of sockets) expect(clients[0]?.state).toMatchObject({ count: 2 });
  });

  it("a client that floods a shard whose room is slow is closed, and others are not", async () => {
    const { tree, sockets } = await grow(1, 2, { rateLimit: { messages: 1000, per: 1000 } });
    tree.delay = () => 5000;
    const shard = tree.shards.get("s0");
    const [flooder, other] = sockets as [MemorySocket, MemorySocket];
    for (let count = 0; count < 500; count++) shard?.send(flooder, { action: "draw", value: "x".repeat(60_000) });
    expect(flooder.closedWith).toMatchObject({ code: 4429 });
    tree.delay = () => 1;
    shard?.send(other, { action: "draw", value: "ace" });
    await tree.advance(20_000);
    expect(other.closedWith).toBeUndefined();
    expect(other.texts.join()).toContain("ace");
  });

  it("clients of a shard that cannot reach the room are told to reconnect", async () => {
    const { tree, sockets } = await grow(1, 2);
    tree.relay = () => Promise.reject(new Error("gone"));
    tree.shards.get("s0")?.send(sockets[0] as MemorySocket, { action: "shout" });
    await tree.advance(40_000);
    for (const { closedWith } of sockets) expect(closedWith).toMatchObject({ code: 1011 });
  });
});
