import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { applyPatch } from "../../src/protocol/apply-patch.ts";
import { mergeInto } from "../../src/protocol/values.ts";
import { byKey, collection, EVERYTHING, near, persist, reference, sync, users } from "../../src/index.ts";
import type { MemorySocket } from "../support/memory.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import type { MemoryShard } from "../support/memory-shards.ts";

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  team = persist(signal("red"));
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
}
const trap = () => ({
  team: persist(signal("red")),
  damage: sync(signal(1)),
  marks: sync(signal<Record<string, number>>({})),
});
const state = () => ({
  count: sync(signal(0)),
  players: users(Player, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }),
  traps: collection(trap, {
    visibleTo: byKey<ReturnType<typeof trap>>({
      of: (entry) => entry.team(),
      for: ({ user, auth }) => (auth?.["gm"] === true ? EVERYTHING : (user as Player | undefined)?.team()),
    }),
  }),
});
type State = ReturnType<typeof state>;
const options = {
  path: "r",
  throttleSync: 0,
  state,
  actions: {
    move: { input: z.number(), run: ({ user }: { user: Player }, x: number) => user.x.set(x) },
    draw: { input: z.string(), run: ({ user }: { user: Player }, card: string) => user.hand.set([card]) },
    count: { run: ({ state: { count } }: { state: State }) => count.update((value) => value + 1) },
  },
};

interface Packet {
  readonly type: string;
  readonly value: Record<string, unknown>;
}

class Member {
  readonly shard: MemoryShard;
  readonly socket: MemorySocket;
  publicId = "";

  constructor(shard: MemoryShard, session: string, query = "") {
    this.shard = shard;
    this.socket = shard.connect(session, null, query);
  }

  do(action: string, value?: unknown, id?: number): void {
    this.shard.send(this.socket, { action, value, id });
  }

  /** The packets since the last call. */
  news(): Packet[] {
    return this.socket.texts.splice(0).map((text) => JSON.parse(text) as Packet);
  }
}

function playerOf(tree: MemoryTree<State>, { publicId }: Member): Player {
  return tree.room.state.players()[publicId] as Player;
}

/** Clients at shards, in groups that are far from each other: those at shard n stand at x = n × 10,000. */
async function spread(shards: number, perShard: number, more: object = {}) {
  const tree = new MemoryTree<State>(defineRoom({ ...options, ...more }).compiled);
  const members: Member[] = [];
  for (let index = 0; index < shards; index++) {
    const shard = tree.add(`s${index}`);
    for (let client = 0; client < perShard; client++)
      members.push(new Member(shard, `${index}-${client}`, "protocol=2"));
  }
  await tree.advance(10_000);
  for (const member of members) member.publicId = member.news()[0]?.value["pId"] as string;
  tree.room.change(() => {
    for (const [index, member] of members.entries())
      playerOf(tree, member).x.set(Math.floor(index / perShard) * 10_000);
  });
  await settle(tree, members);
  // Change all entries once: the shards that no longer need one are told with its next change.
  tree.room.change(() => {
    for (const member of members) playerOf(tree, member).y.set(1);
  });
  await settle(tree, members);
  return { tree, members };
}

async function settle(tree: MemoryTree<State>, members: readonly Member[]): Promise<void> {
  await tree.advance(5000);
  for (const member of members) member.news();
  tree.delivered.calls = tree.delivered.bytes = 0;
}

/** What a member received about players since the last call, by their keys. */
function has(member: Member): Record<string, unknown> {
  return (applyAll(member)["players"] ?? {}) as Record<string, unknown>;
}

function applyAll(member: Member): Readonly<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const { type, value } of member.news()) if (type === "sync") mergeInto(all, value);
  return all;
}

function placeOf(user: unknown): { x: number; y: number } | undefined {
  return user instanceof Player ? { x: user.x(), y: user.y() } : undefined;
}

/** Records what the room tells its shards from now on. */
function overhear(tree: MemoryTree<State>): readonly string[] {
  const told: string[] = [];
  const { shards } = tree.room;
  tree.room.shards = {
    ...shards,
    deliver: (shardId, batch) => {
      told.push(JSON.stringify(batch.items));
      return shards.deliver(shardId, batch);
    },
  };
  return told;
}

/** The same state, with another visibility of users. */
function seenBy(visibleTo: ReturnType<typeof near>) {
  return { state: () => ({ ...state(), players: users(Player, { visibleTo }) }) };
}

/** The cost for the room if a player moves whom all clients of one shard see. */
async function costOfMove(shards: number, perShard: number, more?: object) {
  const { tree, members } = await spread(shards, perShard, more);
  const [first] = members as [Member];
  tree.room.change(() => playerOf(tree, first).x.set(5));
  await tree.advance(1000);
  const told = members.filter((member) => member.news().length > 0);
  expect(told).toEqual(members.slice(0, perShard));
  return { ...tree.delivered };
}

/** Checks that each step of one player costs one short call, however many others stand there. */
async function checkCostOfSteps(tree: Parameters<typeof playerOf>[0], first: Member): Promise<void> {
  for (let step = 1; step <= 20; step++) {
    tree.room.change(() => playerOf(tree, first).x.set(step));
    await tree.advance(100);
  }
  expect(tree.delivered.calls).toBe(20);
  expect(tree.delivered.bytes / 20).toBeLessThan(400);
}

const PLANE = { x: "x", y: "y" };
const rings = near({ ...PLANE, rings: [{ radius: 100 }, { radius: 300, hz: 4 }] });

describe.each([
  ["rings", rings],
  ["the nearest", near({ ...PLANE, radius: 100, nearest: 25 })],
  ["the nearest of rings", near({ ...PLANE, rings: [{ radius: 100 }, { radius: 300, hz: 4 }], nearest: 25 })],
  ["the nearest to a camera", near({ ...PLANE, radius: 100, nearest: 25, from: ({ user }) => placeOf(user) })],
] as const)("P4.15, P9.10: visibility of clients of shards by %s", (_, visibleTo) => {
  it("a change is sent once to each shard that has its key, however many of its clients see it", async () => {
    const one = await costOfMove(8, 1, seenBy(visibleTo));
    expect(one.calls).toBe(1);
    for (const perShard of [5, 20]) {
      const many = await costOfMove(8, perShard, seenBy(visibleTo));
      expect(many.calls).toBe(1);
      // The numbers of batches and clients may have one more digit.
      expect(many.bytes - one.bytes).toBeLessThan(5);
    }
  });

  it("users who do not move cost the room nothing", async () => {
    const { tree, members } = await spread(1, 20, seenBy(visibleTo));
    const [first] = members as [Member];
    await checkCostOfSteps(tree, first);
    expect(members.map((member) => has(member)[first.publicId])).toEqual(members.map(() => ({ x: 20 })));
  });

  it("an entry that becomes visible to many clients of a shard is sent to it once", async () => {
    const { tree, members } = await spread(2, 20, seenBy(visibleTo));
    const guest = members.at(-1) as Member;
    tree.room.change(() => playerOf(tree, guest).x.set(0));
    await tree.advance(1000);
    const seen = members.filter((member) => guest.publicId in has(member));
    expect(seen.length).toBe(40);
    expect(tree.delivered.calls).toBe(2);
    expect(tree.delivered.bytes).toBeLessThan(20 * 200);
  });
});

describe("P4.15, P9.10: at a shard", () => {
  /** One user at 0, and another one in the outer ring. */
  async function apart() {
    const { tree, members } = await spread(1, 2, seenBy(rings));
    const [ada, bob] = members as [Member, Member];
    tree.room.change(() => playerOf(tree, bob).x.set(200));
    await settle(tree, members);
    return { tree, members, ada, bob };
  }

  it("changes of an outer ring are sent at its rate, and the last value arrives", async () => {
    const { tree, ada, bob } = await apart();
    for (let step = 1; step <= 20; step++) {
      tree.room.change(() => playerOf(tree, ada).y.set(step));
      await tree.advance(50);
    }
    await tree.advance(250);
    const values = bob.news().map(({ value }) => value);
    expect(values.length).toBeLessThanOrEqual(6);
    expect(values.at(-1)).toEqual({ players: { [ada.publicId]: { y: 20 } } });
    expect(tree.delivered.calls).toBeLessThanOrEqual(20);
  });

  it("it does not hibernate before the last value of an outer ring was sent", async () => {
    const { tree, ada, bob } = await apart();
    for (const y of [7, 8]) {
      tree.room.change(() => playerOf(tree, ada).y.set(y));
      await tree.advance(20);
    }
    expect(bob.shard.isIdle).toBe(false);
    await tree.advance(250);
    expect(has(bob)[ada.publicId]).toEqual({ y: 8 });
    await tree.advance(60_000);
    expect(bob.shard.isIdle).toBe(true);
  });

  it.each(["crashes", "hibernates"])(
    "a value that waits in an outer ring arrives although the room %s",
    async (end) => {
      const { tree, ada, bob } = await apart();
      if (end === "hibernates") await tree.advance(60_000);
      for (const y of [7, 8]) {
        tree.room.change(() => playerOf(tree, ada).y.set(y));
        await tree.advance(20);
      }
      await tree.room.core.handle.flush();
      if (end === "hibernates") await tree.room.evict();
      else tree.room.crash();
      ada.do("count");
      await tree.advance(5000);
      expect((applyAll(bob)["players"] as Record<string, object>)[ada.publicId]).toMatchObject({ y: 8 });
    },
  );

  it("changes of a ring do not wait if the room sends with applySync", async () => {
    const { tree, ada, bob } = await apart();
    tree.room.core.handle.autoSync = false;
    for (const y of [7, 8]) {
      tree.room.change(() => playerOf(tree, ada).y.set(y));
      tree.room.core.handle.applySync();
      await tree.advance(20);
      expect(has(bob)).toEqual({ [ada.publicId]: { y } });
    }
  });

  it("a client sees the nearest entries, and others after they move", async () => {
    const { tree, members } = await spread(1, 5, seenBy(near({ ...PLANE, radius: 100, nearest: 2 })));
    const [ada] = members as [Member];
    const seen = new Set<string>();
    const follow = () => {
      for (const [key, change] of Object.entries(has(ada))) {
        if (change === "$delete") seen.delete(key);
        else seen.add(key);
      }
      return members.flatMap(({ publicId }, index) => (seen.has(publicId) ? [index] : []));
    };
    tree.room.change(() => {
      for (const [index, member] of members.entries()) playerOf(tree, member).x.set(500 + index * 10);
    });
    await tree.advance(5000);
    expect(follow().filter((index) => index > 0)).toEqual([1, 2]);
    await settle(tree, members);
    tree.room.change(() => playerOf(tree, members[4] as Member).x.set(501));
    await tree.advance(5000);
    expect(follow().filter((index) => index > 0)).toEqual([1, 4]);
    tree.room.change(() => playerOf(tree, ada).x.set(530));
    await tree.advance(5000);
    expect(follow().filter((index) => index > 0)).toEqual([2, 3]);
  });

  class Secretive extends Player {
    plan = sync(signal(""), { visibleTo: () => true });
  }
  class Carrier extends Player {
    bag = collection(() => ({ worth: sync(signal(1)) }));
  }
  class Smuggler extends Player {
    bag = collection(() => ({ worth: sync(signal(1), { visibleTo: () => true }) }));
  }
  const branch = (): object => ({ branches: collection(branch) });
  class Gardener extends Player {
    tree = collection(branch);
  }

  it.each([
    ["finds out the nearest entries itself if users have fields of their own", Player, true],
    ["finds them out itself if entries have collections", Carrier, true],
    ["finds them out itself if entries have nested collections", Gardener, true],
    ["gets them from the room if a field has its own visibleTo", Secretive, false],
    ["gets them from the room if a collection has such a field", Smuggler, false],
  ])("it %s", async (_, Seen, isFoundOut) => {
    const visibleTo = near({ ...PLANE, radius: 100, nearest: 2 });
    const { tree, members } = await spread(1, 4, {
      state: () => ({ ...state(), players: users(Seen, { visibleTo }) }),
    });
    const [ada] = members as [Member];
    const items = overhear(tree);
    tree.room.change(() => playerOf(tree, ada).x.set(1));
    await tree.advance(5000);
    expect(items.join().includes('"sights"')).toBe(isFoundOut);
    expect(has(ada)[ada.publicId]).toEqual({ x: 1 });
  });

  it("gets the nearest entries from the room if a reference leads to them", async () => {
    const visibleTo = near({ ...PLANE, radius: 100, nearest: 2 });
    const referring = (entries: (all: { players: () => Record<string, Player>; others: () => object }) => object) => ({
      state: () => {
        const players = users(Player, { visibleTo });
        const others = collection(() => ({ hp: sync(signal(1)) }));
        const bullet = () => ({ by: reference(() => entries({ players, others }) as Record<string, object>) });
        return { ...state(), players, others, bullets: collection(bullet) };
      },
    });
    for (const [isFoundOut, entries] of [
      [false, referring(({ players }) => players())],
      [true, referring(({ others }) => others())],
    ] as const) {
      const { tree, members } = await spread(1, 4, entries);
      const items = overhear(tree);
      tree.room.change(() => playerOf(tree, members[0] as Member).x.set(1));
      await tree.advance(5000);
      expect(items.join().includes('"sights"')).toBe(isFoundOut);
    }
  });

  it("an earlier version gets the visible entries of rings for each client", async () => {
    const tree = new MemoryTree<State>(defineRoom({ ...options, ...seenBy(rings) }).compiled);
    const { shards } = tree.room;
    tree.room.shards = {
      ...shards,
      introduce: async (shardId, boot) => {
        const introduction = await shards.introduce(shardId, boot);
        const { takesRings: __, ...earlier } = introduction ?? ({} as never);
        return introduction && earlier;
      },
    };
    const shard = tree.add("s0");
    const [ada, bob] = [new Member(shard, "a"), new Member(shard, "b", "protocol=2")] as const;
    await tree.advance(1000);
    for (const member of [ada, bob]) member.publicId = member.news()[0]?.value["pId"] as string;
    const items = overhear(tree);
    ada.do("move", 50);
    await tree.advance(1000);
    expect(items.join()).not.toContain('"sights"');
    expect(has(bob)).toEqual({ [ada.publicId]: { x: 50 } });
  });
});

describe("P4.15, P9.10: keyed visibility at shards", () => {
  it("a change is sent once to each shard that has its key, however many of its clients see it", async () => {
    const [one, five, many] = [await costOfMove(8, 1), await costOfMove(8, 5), await costOfMove(8, 20)];
    expect(one.calls).toBe(1);
    expect(five).toEqual(one);
    expect(many).toEqual(one);
  });

  it("an entry that becomes visible to many clients of a shard is sent once", async () => {
    const { tree, members } = await spread(2, 20);
    const guest = members.at(-1) as Member;
    tree.room.change(() => playerOf(tree, guest).x.set(0));
    await tree.advance(1000);
    const seen = members.filter((member) => JSON.stringify(member.news()).includes(guest.publicId));
    expect(seen.length).toBe(40);
    // One call to the shard of the clients that now see the entry, and one to the shard of those that no longer do.
    expect(tree.delivered.calls).toBe(2);
    expect(tree.delivered.bytes).toBeLessThan(20 * 200);
  });

  it("a user who stands still costs the room nothing", async () => {
    const { tree, members } = await spread(1, 50);
    const [first] = members as [Member];
    await checkCostOfSteps(tree, first);
  });

  it("a client gets nothing about entries that it does not see, and gets visible ones whole", async () => {
    const { tree, members } = await spread(2, 2);
    const [ada, , eve] = members as [Member, Member, Member];
    tree.room.change(() => playerOf(tree, ada).y.set(3));
    await tree.advance(1000);
    expect(eve.news()).toEqual([]);
    ada.news();
    tree.room.change(() => playerOf(tree, ada).x.set(10_000));
    await tree.advance(1000);
    expect(eve.news().map(({ value }) => value)).toEqual([{ players: { [ada.publicId]: { x: 10_000, y: 3 } } }]);
    expect(ada.news().map(({ value }) => Object.keys(value["players"] as object).length)).toEqual([4]);
  });

  it("the private part of an entry arrives together with the rest of it", async () => {
    const { tree, members } = await spread(1, 2);
    const [ada, bob] = members as [Member, Member];
    ada.do("draw", "ace");
    tree.room.change(() => playerOf(tree, ada).x.set(7));
    await tree.advance(1000);
    const seen = [ada, bob].map((member) => JSON.stringify(member.news()));
    expect(seen.map((text) => text.includes("ace"))).toEqual([true, false]);
    expect(seen.map((text) => text.includes('"x":7'))).toEqual([true, true]);
  });

  it("a packet near an entry, or for a key, is sent once to each of their shards", async () => {
    const { tree, members } = await spread(3, 10);
    const [first] = members as [Member];
    tree.room.core.handle.broadcast({ type: "shot" }, { near: playerOf(tree, first) });
    await tree.advance(1000);
    expect(members.filter((member) => member.news().length > 0)).toEqual(members.slice(0, 10));
    expect(tree.delivered.calls).toBe(1);
    const blue = [members[3], members[15]] as Member[];
    tree.room.change(() => {
      for (const member of blue) playerOf(tree, member).team.set("blue");
    });
    await settle(tree, members);
    tree.room.core.handle.broadcast({ type: "orders" }, { keys: "blue" });
    await tree.advance(1000);
    expect(members.filter((member) => member.news().length > 0)).toEqual(blue);
    expect(tree.delivered.calls).toBe(2);
  });

  it("a user's leave is sent only to clients that saw them", async () => {
    const { tree, members } = await spread(2, 3);
    const [ada] = members as [Member];
    ada.shard.disconnect(ada.socket);
    await tree.advance(1000);
    const told = members.filter((member) => member.news().some(({ type }) => type === "user_disconnected"));
    expect(told).toEqual(members.slice(1, 3));
    expect(tree.delivered.calls).toBe(1);
  });

  it("a user's leave is sent only to those who saw them, also if their entry is removed at once", async () => {
    const visibleTo = near({ ...PLANE, radius: 100, nearest: 1 });
    const { tree, members } = await spread(1, 4, { ...seenBy(visibleTo), maxOfflineSessions: 1 });
    const [ada, bob, eve, dan] = members as [Member, Member, Member, Member];
    tree.room.change(() => members.forEach((member, index) => playerOf(tree, member).x.set(index * index)));
    // The one offline session that is kept: that of ada, who never did anything, ends at once.
    dan.do("count");
    dan.shard.disconnect(dan.socket);
    await settle(tree, members);
    ada.shard.disconnect(ada.socket);
    await tree.advance(1000);
    const told = [bob, eve].map((member) => member.news().map(({ type }) => type));
    expect(told).toEqual([["user_disconnected", "sync"], []]);
  });

  it("P4.12: an acknowledgement follows the change, also for a client that sees nothing of it, and after the shard hibernated", async () => {
    const { tree, members } = await spread(2, 2);
    const [ada, bob] = members as [Member, Member];
    const asleep = async () => {
      await tree.advance(60_000);
      for (const { shard } of members) shard.evict();
      for (const member of members) member.news();
    };
    for (const prepare of [async () => {}, asleep]) {
      await prepare();
      const x = playerOf(tree, ada).x() + 1;
      ada.do("move", x, x);
      await tree.advance(1000);
      const news = ada.news();
      expect(news.map(({ type }) => type)).toEqual(["sync", "ack"]);
      for (const { value } of [news[0], bob.news().at(-1)] as Packet[]) {
        expect(applyPatch({}, value)["players"]).toMatchObject({ [ada.publicId]: { x } });
      }
    }
  });

  it("P4.12: a client with an announced packet that sees nothing of the change gets an empty one", async () => {
    const { tree, members } = await spread(2, 1, {
      throttleSync: 50,
      actions: {
        ...options.actions,
        push: {
          run: ({ state: { players }, user }: { state: State; user: Player }) => {
            for (const player of Object.values(players())) if (player !== user) player.y.set(9);
          },
        },
      },
    });
    const [ada, eve] = members as [Member, Member];
    // The first change is sent at once. The next ones wait.
    tree.room.change(({ count }) => count.set(1));
    ada.do("push", undefined, 1);
    await tree.advance(1000);
    expect(ada.news().map(({ type, value }) => (type === "sync" ? value : type))).toEqual([{ count: 1 }, "ack", {}]);
    expect(eve.news().map(({ value }) => value)).toEqual([{ count: 1 }, { players: { [eve.publicId]: { y: 9 } } }]);
  });

  it.each([
    ["a shard of an earlier version", false],
    ["one of this version", true],
  ])("%s forwards what its clients see", async (_, isNew) => {
    const tree = new MemoryTree<State>(defineRoom(options).compiled);
    const { shards } = tree.room;
    tree.room.shards = {
      ...shards,
      introduce: async (shardId, boot) => {
        const introduction = await shards.introduce(shardId, boot);
        if (!introduction || isNew) return introduction;
        const { takesSights: __, ...earlier } = introduction;
        return earlier;
      },
    };
    const shard = tree.add("s0");
    const members = [new Member(shard, "a"), new Member(shard, "b", "protocol=2")] as const;
    await tree.advance(1000);
    for (const member of members) member.publicId = member.news()[0]?.value["pId"] as string;
    const [ada, bob] = members;
    const items = overhear(tree);
    ada.do("move", 50);
    await tree.advance(1000);
    expect(items.join().includes('"sights"')).toBe(isNew);
    for (const member of members) {
      expect(member.news().at(-1)?.value).toEqual({ players: { [ada.publicId]: { x: 50 } } });
    }
    ada.do("move", 500);
    await tree.advance(1000);
    expect(bob.news().at(-1)?.value).toEqual({ players: { [ada.publicId]: "$delete" } });
  });

  it.each([0, 1, 2, 3, 4, 5])(
    "a client that joins while the shard waits for the visibility data sees what it may (%d ms after it woke)",
    async (ms) => {
      const { tree, members } = await spread(1, 2, { throttleSync: 50 });
      const [ada, bob] = members as [Member, Member];
      ada.shard.evict();
      tree.room.change(() => playerOf(tree, ada).x.set(7));
      await tree.advance(ms);
      const eve = new Member(ada.shard, "eve", "protocol=2");
      await tree.advance(5000);
      const first = eve.news()[0]?.value as { pId: string; players: object };
      expect(Object.keys(first.players).toSorted()).toEqual([ada.publicId, bob.publicId, first.pId].toSorted());
    },
  );

  it("if an interceptor gets each packet, each client gets its own", async () => {
    const seen: string[] = [];
    const { tree, members } = await spread(1, 3, {
      interceptorPacket: ({ conn }: { conn: { publicId: string } }, packet: Packet) => {
        seen.push(`${conn.publicId} ${JSON.stringify(packet)}`);
        return packet;
      },
    });
    const [ada] = members as [Member];
    seen.length = 0;
    ada.do("move", 5);
    await tree.advance(1000);
    expect(seen.length).toBe(3);
    expect(members.map((member) => member.news().length)).toEqual([1, 1, 1]);
  });

  it("P4.9: a room with manual sync updates shards then", async () => {
    const { tree, members } = await spread(1, 2);
    const [ada, bob] = members as [Member, Member];
    tree.room.core.handle.autoSync = false;
    ada.do("move", 5);
    ada.do("move", 6);
    await tree.advance(1000);
    expect(bob.news()).toEqual([]);
    tree.room.core.handle.applySync();
    await tree.advance(1000);
    expect(bob.news().map(({ value }) => value)).toEqual([{ players: { [ada.publicId]: { x: 6 } } }]);
  });

  it("P4.9: applySync without changes sends clients of protocol 1 nothing of entries that are not among their nearest", async () => {
    const { tree, members } = await spread(1, 4, seenBy(near({ ...PLANE, radius: 100, nearest: 1 })));
    const last = new Member((members[0] as Member).shard, "last");
    await tree.advance(1000);
    const first = last.news()[0]?.value["players"] as object;
    expect(Object.keys(first).length).toBe(2);
    tree.room.core.handle.autoSync = false;
    tree.room.core.handle.applySync();
    await tree.advance(1000);
    const [again] = last.news();
    expect(again?.value["count"]).toBe(0);
    expect(applyPatch({ players: first }, again?.value ?? {})["players"]).toEqual(first);
  });

  it("a client of a hibernated shard gets what it sees again, if the room lost its memory", async () => {
    const tree = new MemoryTree<State>(defineRoom({ ...options, throttleStorage: 3_600_000 }).compiled);
    const shard = tree.add("s0");
    const [ada, bob] = [new Member(shard, "a"), new Member(shard, "b")];
    await tree.advance(1000);
    let has: Readonly<Record<string, unknown>> = {};
    const seen = () => {
      for (const { type, value } of bob.news()) if (type === "sync") has = applyPatch(has, value);
      return Object.keys(has["players"] as object).length;
    };
    ada.do("move", 5000);
    await tree.advance(1000);
    expect(seen()).toBe(1);
    await tree.room.core.handle.flush();
    ada.do("move", 50);
    await tree.advance(1000);
    expect(seen()).toBe(2);
    shard.evict();
    tree.room.crash();
    bob.do("count");
    await tree.advance(60_000);
    expect(seen()).toBe(1);
  });

  it("a client at an empty shard sees what is there now, and nothing of the past", async () => {
    const { tree, members } = await spread(1, 2);
    const [ada, bob] = members as [Member, Member];
    // A client at the room itself receives each change.
    await tree.room.connect("direct");
    const trapOf = () => tree.room.state.traps()["t"] as ReturnType<typeof trap>;
    tree.room.change(({ traps }) => {
      traps()["t"] = trap();
      trapOf().marks()["old"] = 1;
    });
    await settle(tree, members);
    for (const { socket, shard } of members) shard.disconnect(socket);
    await tree.advance(1000);
    tree.room.change(() => {
      delete trapOf().marks()["old"];
      trapOf().damage.set(2);
    });
    await tree.advance(1000);
    const late = new Member(ada.shard, "late", "protocol=2");
    await tree.advance(1000);
    expect(late.news()[0]?.value["traps"]).toEqual({ t: { damage: 2, marks: {} } });
    expect(bob.news()).toEqual([]);
  });

  it("a shard keeps no more than the room has: no users who left and no removed entries", async () => {
    const { tree, members } = await spread(1, 5);
    const [ada, ...others] = members as [Member, ...Member[]];
    for (const other of others) other.shard.disconnect(other.socket);
    await tree.advance(10_000);
    tree.room.change(({ players, traps }) => {
      for (const key of Object.keys(players())) if (key !== ada.publicId) delete players()[key];
      for (let index = 0; index < 100; index++) traps()[`t${index}`] = trap();
    });
    await settle(tree, members);
    tree.room.change(({ traps }) => {
      for (const key of Object.keys(traps())) delete traps()[key];
    });
    await settle(tree, members);
    // A shard that slept gets everything again that it has. That must not include entries that are gone.
    const told = overhear(tree);
    ada.shard.evict();
    ada.do("move", 1);
    await tree.advance(1000);
    for (const { publicId } of others) expect(told.join()).not.toContain(publicId);
    expect(told.join()).not.toContain('"t1"');
  });
});
