import fc from "fast-check";
import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, sync } from "../../src/state/fields.ts";
import type { ListingReport } from "../../src/room/listing/report.ts";
import { MemoryRoom } from "../support/memory.ts";
import { MemoryTree } from "../support/memory-shards.ts";

class Player {
  name = sync(signal(""));
}

/** A room whose stored values all contain the number of the life in which they were written. */
function livesOf(hooks: { onDestroy?: () => unknown; onCreate?: () => unknown } = {}) {
  const lives = { count: 0, destroyed: [] as number[], ran: [] as string[] };
  const { compiled } = defineRoom({
    path: "r",
    throttleStorage: 1000,
    state: () => ({
      life: sync(signal("")),
      players: users(Player),
      items: collection(() => ({ of: sync(signal("")) })),
    }),
    async onCreate({ state }) {
      state.life.set(`life ${++lives.count}`);
      await hooks.onCreate?.();
    },
    async onDestroy({ state }) {
      lives.destroyed.push(Number(state.life().slice(5)));
      await hooks.onDestroy?.();
    },
    onJoin: ({ user, state }) => user.name.set(state.life()),
    schedules: { later: { run: (_, life) => void lives.ran.push(life as string) } },
    actions: {
      item: { run: ({ state }, key) => void (state.items()[key as string] = { of: sync(signal(state.life())) }) },
      later: { run: ({ room, state }) => room.schedule("later", 90_000, state.life()) },
      go: { run: async ({ room, conn }) => ({ token: await room.sessionTransfer(conn, "other") }) },
      destroy: { run: ({ room }) => room.destroy({ reason: "over" }) },
    },
  });
  const room = new MemoryRoom<{ life: () => string }>(compiled);
  const send = async (action: string, value?: unknown) => {
    const [socket] = room.sockets;
    if (socket) void room.core.message(socket, JSON.stringify({ action, value }));
  };
  const stored = () => JSON.stringify([...room.storage.rows]);
  return { lives, room, send, stored };
}

async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
}

describe("a room that crashes while it is destroyed", () => {
  it("continues when it wakes by its alarm, and runs onDestroy again", async () => {
    let isStuck = true;
    const { room, send, lives, stored } = livesOf({
      onDestroy: () => (isStuck ? new Promise(() => {}) : undefined),
    });
    await room.core.visit();
    await room.connect("ann");
    await send("item", "i");
    await send("destroy");
    await settle();
    expect(stored()).toContain("life 1");
    room.kill();
    isStuck = false;
    room.start();
    await room.advance(120_000);
    await settle();
    expect(lives.destroyed).toEqual([1, 1]);
    expect(stored()).not.toContain("life 1");
  });

  it("closes the clients that it finds when it wakes with 4410", async () => {
    let isStuck = true;
    const { room, send } = livesOf({ onDestroy: () => (isStuck ? new Promise(() => {}) : undefined) });
    await room.core.visit();
    const ann = await room.connect("ann");
    await send("destroy");
    await settle();
    isStuck = false;
    // The platform does the same if a hook takes too long: the memory is lost, and sockets stay.
    room.start();
    await settle();
    expect(ann.closedWith).toEqual({ code: 4410, reason: "over" });
  });

  it("stays destroyed, whatever it did before and whenever it crashes", async () => {
    const step = fc.constantFrom("item", "later", "connect", "leave", "save", "wait");
    const run = fc.record({
      steps: fc.array(step, { maxLength: 8 }),
      turns: fc.nat(30),
      after: fc.array(step, { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(run, async ({ steps, turns, after }) => {
        const { room, send, stored, lives } = livesOf();
        await room.core.visit();
        await room.connect("ann");
        const act = async (what: string) => {
          if (what === "connect") await room.connect("bob");
          else if (what === "leave" && room.sockets.length > 1) room.disconnect(room.sockets.at(-1) as never);
          else if (what === "save") await room.core.handle.flush();
          else if (what === "wait") await room.advance(700);
          else await send(what, "key");
        };
        for (const what of steps) await act(what);
        await send("destroy");
        await settle(turns);
        room.kill();
        room.start();
        await room.advance(200_000);
        await settle(60);
        expect(stored()).not.toContain("life 1");
        expect(lives.destroyed).toContain(1);
        for (const what of after) await act(what);
        await room.connect("ann");
        await room.advance(200_000);
        expect(stored()).not.toContain("life 1");
        expect(room.state.life()).toBe(`life ${lives.count}`);
        expect(lives.ran).not.toContain("life 1");
      }),
      { numRuns: 80 },
    );
  });

  it("gets no user back from a transfer, and stores nothing of it later", async () => {
    const { room, send, stored } = livesOf();
    const { promise, resolve } = Promise.withResolvers<never>();
    room.neighbours = { ...room.neighbours, board: () => promise };
    await room.core.visit();
    await room.connect("ann");
    await send("go");
    await settle();
    room.core.handle.destroy();
    await settle(60);
    expect(stored()).not.toContain("life 1");
    const before = stored();
    resolve({ ok: true, token: "t" } as never);
    await settle(60);
    await room.advance(30_000);
    expect(stored().replaceAll("life 2", "")).toBe(before.replaceAll("life 2", ""));
  });
});

describe("onCreate", () => {
  it("runs again if the room crashes before it is done, and not after that", async () => {
    let isStuck = true;
    const { room, lives } = livesOf({ onCreate: () => (isStuck ? new Promise(() => {}) : undefined) });
    void room.core.visit();
    room.clock.advance(5000);
    isStuck = false;
    room.crash();
    await room.core.visit();
    expect(lives.count).toBe(2);
    room.crash();
    await room.core.visit();
    await room.connect("ann");
    await room.evict();
    expect(lives.count).toBe(2);
    expect(room.state.life()).toBe("life 2");
  });
});

describe("onLeave", () => {
  it("is told whether the client closed the connection or lost it, at the room and at a shard", async () => {
    const reasons: string[] = [];
    const { compiled } = defineRoom({
      path: "r",
      state: () => ({ players: users(Player) }),
      onLeave: ({ reason }) => void reasons.push(reason),
    });
    const tree = new MemoryTree(compiled);
    const shard = tree.add("s1");
    for (const isLost of [true, false]) {
      const here = await tree.room.connect(`here ${isLost}`);
      const there = shard.connect(`there ${isLost}`);
      await tree.advance(1000);
      here.isOpen = there.isOpen = false;
      tree.room.core.closed(here, isLost);
      await tree.advance(1000);
      shard.core.closed(there, isLost);
      await tree.advance(1000);
    }
    shard.connect("of a shard that dies");
    await tree.advance(1000);
    shard.crash();
    await tree.advance(60_000);
    expect(reasons).toEqual(["lost", "lost", "closed", "closed", "lost"]);
  });

  it("is told that a user went to another room", async () => {
    const reasons: string[] = [];
    const { compiled } = defineRoom({
      path: "r",
      state: () => ({ players: users(Player) }),
      onLeave: ({ reason }) => void reasons.push(reason),
      onExpire: ({ reason }) => void reasons.push(`expired: ${reason}`),
      actions: { go: { run: ({ room, conn }) => room.sessionTransfer(conn, "other") } },
    });
    const room = new MemoryRoom(compiled);
    room.neighbours = { ...room.neighbours, board: async () => ({ ok: true, token: "t" }) };
    const ann = await room.connect("ann");
    await room.core.message(ann, '{"action":"go","id":1}');
    room.disconnect(ann);
    await room.advance(1_000_000);
    expect(reasons).toEqual(["transferred"]);
  });
});

describe("room.forget", () => {
  it("deletes what transfers have stored of a user: tokens and recalled users", async () => {
    const { room, stored } = livesOf();
    await room.core.visit();
    const passenger = (name: string) => ({
      transferId: `transfer of ${name}`,
      sessionId: `private ${name}`,
      publicId: `public-${name}`,
      sub: undefined,
      user: { name: `called ${name}` },
      state: { of: name },
    });
    for (const name of ["ann", "bob"]) await room.core.board(passenger(name));
    await room.core.recall("transfer of bob", "private bob");
    await room.core.handle.flush();
    for (const name of ["ann", "bob"]) expect(stored()).toContain(`called ${name}`);
    for (const name of ["ann", "bob"]) room.core.handle.forget(`public-${name}`);
    for (const name of ["ann", "bob"]) {
      for (const trace of [`called ${name}`, `public-${name}`, `"of":"${name}"`]) expect(stored()).not.toContain(trace);
    }
    expect(stored()).not.toContain("$token");
    expect((await room.connect("private ann")).texts[0]).not.toContain("public-ann");
  });

  it("deletes unreadable values of a user and of their session, and not those of others", async () => {
    const { room, stored } = livesOf();
    room.kill();
    for (const name of ["ann", "bob"]) {
      room.storage.rows.set(`$session:private ${name}`, { publicId: `public-${name}`, offlineSince: "broken" });
      room.storage.rows.set(`players.public-${name}`, { name: `of ${name}` });
      room.storage.rows.set(`players.public-${name}-2`, "broken");
    }
    room.start();
    const readAll = room.state as unknown as { players: () => object };
    expect(Object.keys(readAll.players())).toEqual([]);
    expect(stored()).toContain("of ann");
    room.core.handle.forget("public-ann");
    expect(stored()).not.toContain("of ann");
    expect(stored()).not.toContain("private ann");
    for (const trace of ["of bob", "private bob", "public-ann-2"]) expect(stored()).toContain(trace);
  });
});

describe("objects around a destroyed room", () => {
  it("are told: its shards close their clients with 4410, and keep new data", async () => {
    const { compiled } = defineRoom({
      path: "r",
      state: () => ({ players: users(Player) }),
      actions: { destroy: { run: ({ room }) => room.destroy({ reason: "over" }) } },
    });
    const tree = new MemoryTree(compiled);
    const shard = tree.add("s1");
    const there = shard.connect("ann");
    const here = await tree.room.connect("bob");
    await tree.advance(1000);
    await tree.room.core.message(here, '{"action":"destroy"}');
    await tree.advance(6000);
    expect(there.closedWith).toEqual({ code: 4410, reason: "over" });
    expect(here.closedWith).toEqual({ code: 4410, reason: "over" });
    const again = shard.connect("ann");
    await tree.advance(1000);
    expect(again.closedWith).toBeUndefined();
    expect(again.texts.length).toBeGreaterThan(0);
  });

  it("are told: its World removes it from the list", async () => {
    const { room, send } = livesOf();
    const told: (ListingReport | null)[] = [];
    room.worlds = { report: async (_world, _place, report) => void told.push(report) };
    await room.core.visit();
    await room.connect("ann");
    room.core.handle.setListing({ mode: "duel" });
    await room.advance(2000);
    await send("destroy");
    await settle(60);
    expect(told.at(-1)).toBe(null);
    expect(told.length).toBeGreaterThan(1);
  });

  it("do not delay it by not answering", async () => {
    const { room, send, stored } = livesOf();
    await room.core.visit();
    await room.connect("ann");
    room.core.handle.setListing({ mode: "duel" });
    await room.advance(2000);
    room.worlds = { report: () => new Promise(() => {}) };
    await send("destroy");
    await settle(60);
    expect(stored()).toContain("life 1");
    room.clock.advance(6000);
    await settle(60);
    expect(stored()).not.toContain("life 1");
  });
});
