import { runInDurableObject } from "cloudflare:test";
import { signal } from "@signe/reactive";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import type { CompiledRoom } from "../../../src/define/room.ts";
import type { Snapshot } from "../../../src/define/types.ts";
import { quantized } from "../../../src/state/codecs.ts";
import { users } from "../../../src/app/users.ts";
import { persist, collection, sync } from "../../../src/state/fields.ts";
import { shared } from "../../../src/testing/registry.ts";
import { testRoom, VIA } from "../../support/harness.ts";
import { MemoryRoom } from "../../support/memory.ts";

const PATH = "room-{id}";

class OldPlayer {
  coins = sync(signal(0));
  aim = sync(signal(0), { persist: false });
  items = collection(() => ({ count: sync(signal(1)) }));
}
const oldRoom = defineRoom({
  path: PATH,
  throttleSync: 0,
  throttleStorage: 0,
  state: () => ({
    count: sync(signal(0)),
    scores: sync(signal<number[]>([])),
    turn: sync(signal(0), { persist: false }),
    players: users(OldPlayer),
  }),
  actions: { earn: { run: ({ user }) => user.coins.update((coins) => coins + 1) } },
  schedules: { later: { run: () => {} } },
});

class Hero {
  gold = sync(signal(0));
  aim = sync(signal(7), { persist: false });
  items = collection(() => ({ amount: sync(signal(1)) }));
}
const newState = () => ({
  total: sync(signal(0)),
  best: sync(signal(0)),
  turn: sync(signal(0), { persist: false }),
  note: persist(signal("fresh")),
  heroes: users(Hero),
});
type NewState = ReturnType<typeof newState>;

const recordOf = (value: unknown) => (value ?? {}) as Record<string, Snapshot>;
const mapValues = (record: unknown, change: (value: Snapshot) => Snapshot) =>
  Object.fromEntries(Object.entries(recordOf(record)).map(([key, value]) => [key, change(value)]));

const steps = {
  2: ({ scores, ...rest }: Snapshot) => ({ ...rest, best: Math.max(0, ...((scores ?? []) as number[])) }),
  3: ({ count, players, ...rest }: Snapshot): Snapshot => ({
    ...rest,
    total: count,
    heroes: mapValues(players, ({ coins, items }) => ({
      gold: Number(coins) * 10,
      items: mapValues(items, ({ count }) => ({ amount: count })),
    })),
  }),
};
const define = (migrate: Record<number, (snapshot: Snapshot) => Snapshot> = steps, version = 3) =>
  defineRoom({
    path: PATH,
    version,
    migrate,
    throttleSync: 0,
    throttleStorage: 0,
    state: newState,
    actions: { earn: { run: ({ user }) => user.gold.update((gold) => gold + 1) } },
    requests: { "GET /total": { run: ({ state }) => state.total() } },
    schedules: { later: { run: () => {} } },
  });
const newRoom = define();

type Old = ReturnType<typeof oldRoom.compiled.definition.state> & {
  count: { set(n: number): void };
  scores: { set(n: number[]): void };
  turn: { set(n: number): void };
  players(): Record<string, OldPlayer>;
};

/** A room of the first version with some stored state. */
async function played() {
  const room = new MemoryRoom<Old>(oldRoom.compiled);
  const socket = await room.connect("ada", null, undefined, "protocol=2");
  const [publicId] = Object.keys(room.state.players()) as [string];
  room.change((state) => {
    state.count.set(3);
    state.scores.set([5, 9, 2]);
    state.turn.set(4);
    const player = state.players()[publicId] as OldPlayer;
    player.coins.set(2);
    player.aim.set(5);
    player.items()["a%b"] = { count: sync(signal(6)) };
  });
  room.core.handle.schedule("later", 60_000, { a: 1 });
  room.core.handle.storage.put("mine", [1, 2]);
  await room.advance(2000);
  await room.core.handle.flush();
  return { room, socket, publicId, now: room as unknown as MemoryRoom<NewState> };
}

const stateRows = (rows: Map<string, unknown>) => Object.fromEntries([...rows].filter(([key]) => !key.startsWith("$")));
const ownRows = (rows: Map<string, unknown>) =>
  Object.fromEntries([...rows].filter(([key]) => /^\$(session|schedule|storage)/.test(key)));

describe("a stored room of an older version", () => {
  it("is migrated step by step; its rows are replaced, and other data is kept", async () => {
    const { room, publicId, now } = await played();
    const own = ownRows(room.storage.rows);
    expect(Object.keys(stateRows(room.storage.rows))).toContain("~.");
    await room.deploy(newRoom.compiled);
    expect(stateRows(room.storage.rows)).toEqual({
      ".": { total: 3, best: 9, note: "fresh" },
      [`heroes.${publicId}`]: { gold: 20 },
      [`heroes.${publicId}.items.a%25b`]: { amount: 6 },
    });
    expect(room.storage.rows.get("$version")).toBe(3);
    expect(now.state.heroes()[publicId]?.items()["a%b"]?.amount()).toBe(6);
    expect(Object.keys(own)).toHaveLength(3);
    expect(ownRows(room.storage.rows)).toMatchObject({
      "$schedule:later": own["$schedule:later"],
      "$storage:mine": [1, 2],
    });
    expect(room.core.handle.schedules).toHaveLength(1);
    expect(room.log.map(({ event, from, to }) => [event, from, to])).toEqual([["migrated", 1, 3]]);
  });

  it("is migrated once", async () => {
    const { room } = await played();
    const ran: number[] = [];
    const counted = define({
      2: (snapshot) => (ran.push(2), steps[2](snapshot)),
      3: (snapshot) => (ran.push(3), steps[3](snapshot)),
    });
    await room.deploy(counted.compiled);
    const rows = structuredClone(room.storage.rows);
    await room.evict();
    room.crash();
    expect(ran).toEqual([2, 3]);
    expect(stateRows(room.storage.rows)).toEqual(stateRows(rows));
  });

  it("continues from its version", async () => {
    const { room } = await played();
    await room.deploy(newRoom.compiled);
    const four = define({ ...steps, 4: (snapshot) => ({ ...snapshot, total: Number(snapshot["total"]) + 100 }) }, 4);
    await room.deploy(four.compiled);
    expect((room as unknown as MemoryRoom<NewState>).state.total()).toBe(103);
    expect(room.storage.rows.get("$version")).toBe(4);
  });

  it("P7.6: closes open sockets with 1012, and clients get all of the new state when they reconnect", async () => {
    const { room, socket, publicId, now } = await played();
    const clients = socket.clients;
    await room.deploy(newRoom.compiled);
    expect(socket.closedWith).toEqual({ code: 1012, reason: "The room restarts" });
    expect(now.state.turn()).toBe(0);
    const epoch = (JSON.parse(socket.texts[0] as string) as { epoch: string }).epoch;
    const again = await room.connect("ada", null, undefined, `protocol=2&since=1&epoch=${epoch}`);
    const first = JSON.parse(again.texts[0] as string) as Record<string, unknown>;
    expect(first).toMatchObject({ reset: true, value: { pId: publicId, total: 3, best: 9 } });
    expect(again.clients[0]?.state).toEqual({
      total: 3,
      best: 9,
      turn: 0,
      heroes: { [publicId]: { gold: 20, aim: 7, items: { "a%b": { amount: 6 } } } },
    });
    expect(clients).not.toBe(again.clients);
  });

  it.each(["protocol=2", "protocol=3"])(
    "P7.6: closes sockets that stayed while the fields changed, as in development, for clients of %s",
    async (query) => {
      const x = (max: number) => sync(signal(1), { as: quantized({ min: 0, max, bits: 8 }) });
      const one = () => ({ x: x(100), y: sync(signal(2)) });
      const other = () => ({ y: sync(signal(2)), x: x(200) });
      const [before, after] = [one, other].map(
        (state) => defineRoom({ path: PATH, throttleSync: 0, state }).compiled,
      ) as [CompiledRoom, CompiledRoom];
      const room = new MemoryRoom<ReturnType<typeof one>>(before);
      const socket = await room.connect("ada", null, undefined, query);
      room.change((state) => state.x.set(50));
      await room.deploy(before);
      expect(socket.closedWith).toBeUndefined();
      await room.deploy(after);
      expect(socket.closedWith?.code).toBe(1012);
      const again = await room.connect("ada", null, undefined, query);
      room.change((state) => state.x.set(150));
      expect(again.clients[0]?.state).toMatchObject({ x: room.state.x(), y: 2 });
      await room.deploy(after);
      expect(again.closedWith).toBeUndefined();
    },
  );

  it("forgets what clients knew, if changes waited to be sent", async () => {
    const { room } = await played();
    room.core.handle.autoSync = false;
    room.change((state) => state.count.set(4));
    await room.advance(2000);
    const known = () => [...room.storage.rows.keys()].filter((key) => key.startsWith("$known"));
    expect(known()).toHaveLength(1);
    await room.deploy(newRoom.compiled);
    expect(known()).toEqual([]);
    expect(room.core.handle.autoSync).toBe(false);
  });

  it("with only the runtime's own rows is not migrated, since it has no state", async () => {
    const room = new MemoryRoom<NewState>(oldRoom.compiled);
    room.core.handle.schedule("later", 60_000);
    expect(room.storage.rows.size).toBe(1);
    await room.deploy(define({ 2: () => raise("no step"), 3: () => raise("no step") }).compiled);
    await room.connect("ada");
    expect(room.storage.rows.get("$version")).toBe(3);
  });

  it("stores its version together with the first row, and version 1 not at all", async () => {
    const room = new MemoryRoom<NewState>(newRoom.compiled);
    expect([...room.storage.rows.keys()]).toEqual([]);
    const order: string[] = [];
    room.storage.fault = (key) => void order.push(key);
    room.change((state) => state.total.set(1));
    expect(order).toEqual(["$version", "."]);
    room.change((state) => state.total.set(2));
    expect(order).toEqual(["$version", ".", "."]);
    room.crash();
    expect(room.state.total()).toBe(2);
    const first = await played();
    expect(first.room.storage.rows.has("$version")).toBe(false);
  });

  it("stores its version even if the first write fails", async () => {
    const room = new MemoryRoom<NewState>(newRoom.compiled);
    room.storage.fault = (key) => key === "." && raise("disk full");
    await room.connect("ada");
    expect([...room.storage.rows.keys()].filter((key) => !key.startsWith("$session"))).toEqual([
      "$version",
      expect.stringMatching(/^heroes\./),
      expect.stringMatching(/^~heroes\./),
    ]);
  });
});

describe("a failing migration", () => {
  it.each([
    ["throws", () => raise("broken step"), "migrate[3] failed: broken step"],
    ["returns nothing", () => undefined, "migrate[3] failed: it has to return the snapshot"],
    ["returns a promise", async () => ({}), "migrate[3] failed: it has to return the snapshot, not a promise"],
    ["returns a Map", () => new Map(), "migrate[3] failed: it has to return the snapshot"],
    [
      "puts a Map into it",
      () => ({ heroes: { a: new Map() } }),
      'migrate[3] failed: "heroes" has a value that is not plain data',
    ],
    [
      "puts a function into it",
      () => ({ total: () => 1 }),
      'migrate[3] failed: "total" has a value that is not plain data',
    ],
  ])("in which a step %s: nothing changes, and the step is reported", async (_, step, message) => {
    const { room } = await played();
    const before = new Map(room.storage.rows);
    const broken = define({ 2: steps[2], 3: step as never });
    await expect(room.deploy(broken.compiled)).rejects.toThrow(message);
    expect(room.storage.rows).toEqual(before);
    await room.deploy(newRoom.compiled);
    expect((room as unknown as MemoryRoom<NewState>).state.total()).toBe(3);
  });

  it("of a state that is newer than the code: nothing changes", async () => {
    const { room } = await played();
    await room.deploy(newRoom.compiled);
    await room.advance(20_000);
    const before = new Map(room.storage.rows);
    await expect(room.deploy(define({ 2: steps[2] }, 2).compiled)).rejects.toThrow(
      "The stored state has version 3, and the definition has version 2: deploy version 3 again",
    );
    expect(room.storage.rows).toEqual(before);
    await room.deploy(newRoom.compiled);
  });

  it("that would lose more values than the quarantine holds: nothing changes", async () => {
    const { room } = await played();
    room.change((state) => {
      for (let index = 0; index < 101; index++) state.players()[`p${index}`] = new OldPlayer();
    });
    await room.advance(2000);
    const before = new Map(room.storage.rows);
    const broken = define({
      2: steps[2],
      3: (snapshot) => ({ ...steps[3](snapshot), heroes: mapValues(snapshot["players"], () => 5 as never) }),
    });
    await expect(room.deploy(broken.compiled)).rejects.toThrow("is a migration missing?");
    expect(room.storage.rows).toEqual(before);
  });

  it("whose stored version is unreadable: nothing changes", async () => {
    const { room } = await played();
    await room.deploy(newRoom.compiled);
    await room.advance(2000);
    const { storage } = room;
    // A row that the platform cannot read is missing from lists, and `get` throws for it.
    storage.rows.delete("$version");
    const before = new Map(storage.rows);
    const get = storage.get.bind(storage);
    storage.get = (key) => (key === "$version" ? raise("internal error") : get(key));
    expect(() => room.crash()).toThrow("internal error");
    expect(storage.rows).toEqual(before);
  });

  it("whose storage fails: nothing changes", async () => {
    const { room } = await played();
    const before = new Map(room.storage.rows);
    room.storage.fault = (key) => key === "$version" && raise("disk full");
    await expect(room.deploy(newRoom.compiled)).rejects.toThrow("disk full");
    expect(room.storage.rows).toEqual(before);
  });

  it("quarantines a value that is unreadable afterwards", async () => {
    const { room, now } = await played();
    room.storage.rows.set("players.bad", 5);
    room.storage.rows.set("scores", "not a list");
    const kept = define({ 2: (snapshot) => snapshot, 3: ({ players }) => ({ heroes: players, total: 1 }) });
    await room.deploy(kept.compiled);
    expect(now.core.handle.quarantine.list()).toMatchObject([{ key: "heroes.bad", value: 5 }]);
    expect(Object.keys(now.state.heroes())).not.toContain("bad");
  });
});

function raise(message: string): never {
  throw new Error(message);
}

describe("P6.7: a real room that cannot start", () => {
  const lines: Record<string, unknown>[] = [];
  beforeEach(() => {
    lines.length = 0;
    for (const level of ["error", "info"] as const) {
      vi.spyOn(console, level).mockImplementation((line) => void lines.push(JSON.parse(String(line)) as never));
    }
  });
  afterEach(() => vi.restoreAllMocks());

  it("answers 503 with Retry-After, closes with 1011, keeps its data, and tries again at the next event", async () => {
    const room = testRoom(oldRoom);
    const client = await room.connect({ id: "ada", via: "room" });
    await client.call("earn");
    client.close();
    await client.closed;
    const before = await room.stored();
    let isBroken = true;
    const fragile = define({ 2: steps[2], 3: (snapshot) => (isBroken ? raise("not today") : steps[3](snapshot)) });
    shared().rooms.set(room.party, fragile);
    await room.crash();
    const answer = await room.fetch("/total");
    expect([answer.status, answer.headers.get("retry-after"), await answer.json()]).toEqual([
      503,
      "10",
      { error: "The room cannot start", code: "internal" },
    ]);
    expect(await (await room.open({ id: "ada", via: "room" })).closed).toEqual({
      code: 1011,
      reason: "The room cannot start",
    });
    const failure = lines.find(({ event }) => event === "start_failed");
    expect(failure?.["error"]).toContain("migrate[3] failed: not today");
    expect(failure?.["error"]).toContain("caused by Error: not today");
    expect(failure).toMatchObject({ party: room.party, room: "room-1", code: "internal" });
    // Each event tries to start the room once: the first attempt is that of the constructor.
    expect(lines.filter(({ event }) => event === "start_failed")).toHaveLength(2);
    isBroken = false;
    expect(await (await room.fetch("/total")).text()).toBe("0");
    const after = await room.stored();
    expect(after["$version"]).toBe(3);
    expect(after["$session:ada"]).toMatchObject(before["$session:ada"] as object);
    const again = await room.connect({ id: "ada", via: "room" });
    expect((again.state as { heroes: object }).heroes).toEqual({ [again.publicId]: { gold: 10, aim: 7 } });
  });

  it("clients that stay connected through a deploy converge: closed with 1012, or updated by their shard", async () => {
    const room = testRoom(oldRoom);
    const client = await room.connect({ id: "ada" });
    const counting = await room.connect({ id: "bob", query: "protocol=2" });
    await client.call("earn");
    shared().rooms.set(room.party, newRoom);
    await room.evict();
    const expected = {
      total: 0,
      best: 0,
      turn: 0,
      heroes: { [client.publicId]: { gold: 10, aim: 7 }, [counting.publicId]: { gold: 0, aim: 7 } },
    };
    await room.inside(() => {});
    if (VIA === "room") {
      expect((await Promise.all([client.closed, counting.closed])).map(({ code }) => code)).toEqual([1012, 1012]);
      expect((await room.connect({ id: "ada" })).state).toEqual(expected);
      return;
    }
    await client.sees((state: { heroes?: object }) => state.heroes !== undefined);
    expect(client.state).toEqual(expected);
    expect((await client.call("earn")).type).toBe("ack");
    const reset = await counting.until((packet) => "reset" in packet);
    expect(reset.value).toMatchObject({ ...expected, pId: counting.publicId });
  });

  it("the alarm of a room that cannot start is set for an hour later", async () => {
    const room = testRoom(oldRoom);
    await (await room.connect()).call("earn");
    await room.inside((_state, core) => core.handle.schedule("later", 0));
    shared().rooms.set(room.party, define({ 2: () => raise("never"), 3: steps[3] }));
    await room.crash();
    const before = Date.now();
    expect(await room.alarm()).toBe(true);
    const at = await runInDurableObject(room.stub, (_object, ctx) => ctx.storage.getAlarm());
    expect(Number(at) - before).toBeGreaterThanOrEqual(3_600_000);
    shared().rooms.set(room.party, newRoom);
    // The schedule that was due is kept.
    const scheduled = await room.inside((_state, core) => core.handle.schedules);
    expect(scheduled).toMatchObject([{ name: "later" }]);
  });
});
