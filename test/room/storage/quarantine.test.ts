import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { MemoryRoom } from "../../support/memory.ts";

class Player {
  x = sync(signal(0));
  hand = sync(signal<string[]>([]));
  items = collection((key) => {
    if (key === "cursed") throw new Error("No such item");
    return { count: sync(signal(1)) };
  });
}
const stateOf = () => ({
  count: sync(signal(0)),
  list: sync(signal<number[]>([])),
  config: sync(signal<Record<string, unknown>>({ a: 1 })),
  pos: { x: sync(signal(0)) },
  players: users(Player),
  monsters: collection(() => ({ hp: sync(signal(10)), loot: sync(signal<string[]>([])) })),
});
type State = ReturnType<typeof stateOf>;

const errors: unknown[] = [];
const definition = defineRoom({
  path: "r",
  throttleStorage: 0,
  throttleSync: 0,
  state: stateOf,
  onError: ({ error }) => void errors.push(error),
  schedules: { later: { run: () => {} } },
});

/** Starts a room with these stored rows. */
function woken(rows: Record<string, unknown>, { compiled } = definition) {
  const room = new MemoryRoom<State>(compiled);
  room.storage.rows = new Map(Object.entries(rows));
  room.crash();
  return room;
}
const aside = (room: MemoryRoom<State>) =>
  Object.fromEntries(room.core.handle.quarantine.list().map(({ key, value }) => [key, value]));

describe("an unreadable stored value", () => {
  const rows = {
    ".": { count: 3 },
    list: { not: "a list" },
    config: "no object",
    pos: 5,
    "players.p1": { x: 1, hand: "ace", items: 7 },
    "players.p1.items.cursed": { count: 4 },
    "players.p1.items.sword": { count: 2 },
    "players.p2": "nobody",
    "players.p3": "nobody",
    "players.p3.items.sword": { count: 3 },
    "monsters.m1": { hp: 4 },
    "monsters.m2": [1],
    "monsters.m3": { hp: 5, loot: 6 },
    "~monsters.m1": 8,
  };

  it("is quarantined, and its field starts with the initial value", async () => {
    errors.length = 0;
    const room = woken(rows);
    // Entries of a collection are read when they are needed.
    expect(Object.keys(room.state.monsters())).toEqual(["m1", "m3"]);
    expect(room.state.monsters()["m3"]?.hp()).toBe(5);
    expect(aside(room)).toEqual({
      list: { not: "a list" },
      config: "no object",
      pos: 5,
      "players.p1.hand": "ace",
      "players.p1.items": 7,
      "players.p1.items.cursed": { count: 4 },
      "players.p2": "nobody",
      "players.p3": "nobody",
      "monsters.m2": [1],
      "monsters.m3.loot": 6,
    });
    const { state } = room;
    expect([state.count(), [...state.list()], { ...state.config() }, state.pos.x()]).toEqual([3, [], { a: 1 }, 0]);
    expect(Object.keys(state.players())).toEqual(["p1", "p3"]);
    expect(state.players()["p1"]?.x()).toBe(1);
    expect(Object.keys(state.players()["p1"]?.items() ?? {})).toEqual(["sword"]);
    expect(state.players()["p3"]?.items()["sword"]?.count()).toBe(3);
    expect(state.monsters()["m1"]?.hp()).toBe(4);
    expect(room.core.handle.quarantine.list()[0]).toMatchObject({ reason: expect.any(String), at: room.clock.time });
    const logged = room.log.filter(({ event }) => event === "quarantined");
    // Logged keys are shortened, because clients may have chosen the keys of entries.
    expect(logged.map(({ key }) => String(key)).toSorted()).toEqual(
      ["config", "list", ...Array<string>(2).fill("monsters…"), ...Array<string>(5).fill("players…"), "pos"].toSorted(),
    );
    expect(errors).toHaveLength(logged.length);
  });

  it("is quarantined and logged once, and readable values are kept", async () => {
    const room = woken(rows);
    const read = () => JSON.stringify(room.state.monsters());
    read();
    await room.advance(2000);
    const before = aside(room);
    room.log.length = 0;
    room.crash();
    read();
    await room.advance(2000);
    expect(room.log).toEqual([]);
    expect(aside(room)).toEqual(before);
    expect(Object.keys(room.state.players())).toEqual(["p1", "p3"]);
    expect(room.storage.rows.get("monsters.m3")).toEqual({ hp: 5, loot: [] });
    expect(room.storage.rows.get("pos")).toEqual({ x: 0 });
  });

  it("can be restored manually", () => {
    const room = woken({ list: "1,2,3" });
    room.change((state) => {
      const { quarantine } = room.core.handle;
      for (const { key, value } of quarantine.list()) {
        state.list.set(String(value).split(",").map(Number));
        quarantine.delete(key);
      }
    });
    room.crash();
    expect([...room.state.list()]).toEqual([1, 2, 3]);
    expect(aside(room)).toEqual({});
  });

  it("at most 10,000 are kept: the oldest are removed", () => {
    const room = woken({});
    for (let at = 0; at < 10_000; at++) {
      room.storage.rows.set(`$quarantine:old${at}`, { key: `old${at}`, value: at, reason: "", at });
    }
    room.storage.rows.set("players.p1", 5);
    room.crash();
    const kept = room.core.handle.quarantine.list();
    expect([kept.length, kept[0]?.key, kept.at(-1)?.key]).toEqual([9000, "old1001", "players.p1"]);
  });

  it("at most 16,000,000 characters are kept: the oldest are removed, but none that was just found", () => {
    const room = woken({});
    const value = "x".repeat(1_000_000);
    for (let at = 0; at < 16; at++) {
      room.storage.rows.set(`$quarantine:old${at}`, { key: `old${at}`, value, reason: "", at });
    }
    room.storage.rows.set("players.p1", value);
    room.crash();
    const kept = room.core.handle.quarantine.list();
    expect([kept.length, kept[0]?.key, kept.at(-1)?.key]).toEqual([14, "old3", "players.p1"]);
  });

  it("is not read from quarantine when the room wakes, since there may be many", () => {
    const room = woken({ "players.p1": { x: 1 } });
    const readsOfStart = () => {
      let reads = 0;
      room.storage.onRead = () => void reads++;
      room.crash();
      return reads;
    };
    const before = readsOfStart();
    for (let at = 0; at < 5; at++) {
      room.storage.rows.set(`$quarantine:old${at}`, { key: `old${at}`, value: at, reason: "", at });
    }
    expect(readsOfStart()).toBe(before);
    expect(room.core.handle.quarantine.list()).toHaveLength(5);
  });

  it("more than 100 at once stop the room from starting, and nothing changes", () => {
    const room = woken({});
    for (let index = 0; index < 101; index++) room.storage.rows.set(`players.p${index}`, { x: 1, hand: "none" });
    const before = new Map(room.storage.rows);
    expect(() => room.crash()).toThrow('cannot be read, as in "players…": is a migration missing?');
    expect(room.storage.rows).toEqual(before);
  });

  it("is quarantined when it is read, if entries are read on demand; more than 100 are no longer logged", async () => {
    const room = woken({});
    for (let index = 0; index < 150; index++) room.storage.rows.set(`monsters.m${index}`, { hp: index, loot: "none" });
    room.crash();
    expect(aside(room)).toEqual({});
    expect(room.state.monsters()["m7"]?.hp()).toBe(7);
    expect(aside(room)).toEqual({ "monsters.m7.loot": "none" });
    const socket = await room.connect("ada");
    expect(socket.clients[0]?.state).toMatchObject({ monsters: { m149: { hp: 149, loot: [] } } });
    expect(Object.keys(aside(room))).toHaveLength(150);
    expect(room.log.filter(({ event }) => event === "quarantined")).toHaveLength(100);
    room.change((state) => state.count.set(1));
    expect(room.storage.rows.get("monsters.m149")).toEqual({ hp: 149, loot: [] });
  });

  it("stays in its place if it cannot be quarantined", () => {
    const room = woken({});
    room.storage.rows.set("players.p1", 5);
    room.storage.fault = (key) => {
      if (key.startsWith("$quarantine")) throw new Error("too large");
    };
    room.crash();
    expect(room.log.map(({ event }) => event)).toContain("quarantine_failed");
    expect(room.storage.rows.get("players.p1")).toBe(5);
    expect(Object.keys(room.state.players())).toEqual([]);
  });

  it("closes open sockets with 1012, since their clients have another state", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    const socket = await room.connect("ada");
    room.change((state) => state.list().push(1));
    await room.advance(2000);
    room.storage.rows.set("list", { not: "a list" });
    await room.evict();
    expect(socket.closedWith).toEqual({ code: 1012, reason: "The room restarts" });
    const again = await room.connect("ada");
    expect(again.clients[0]?.state).toMatchObject({ list: [] });
  });
});

describe("a restore hook", () => {
  const hooks = (onUserStorageRestore: (user: Record<string, unknown>) => Record<string, unknown>) =>
    defineRoom({
      path: "r",
      throttleStorage: 0,
      throttleSync: 0,
      state: stateOf,
      onUserStorageRestore: ({ userSnapshot }) => onUserStorageRestore(userSnapshot),
    });
  const rows = {
    "players.p1": { x: 1 },
    "players.p2": { x: 2 },
    "players.p2.items.sword": { count: 9 },
    "players.p3": { x: 3 },
  };

  it.each([
    ["throws", () => JSON.parse("{") as never],
    ["returns nothing", () => undefined as never],
  ])("that %s for one user does not affect others, and loses nothing", async (_, fail) => {
    const definition = hooks((user) => {
      if (user["x"] !== 2) return user;
      user["x"] = "spoiled";
      return fail();
    });
    const room = woken(rows, definition);
    expect(aside(room)).toEqual({ "players.p2": { x: 2, items: { sword: { count: 9 } } } });
    expect(Object.keys(room.state.players())).toEqual(["p1", "p3"]);
    expect([...room.storage.rows.keys()].filter((key) => key.startsWith("players.p2"))).toEqual([]);
    room.log.length = 0;
    room.crash();
    expect(room.log).toEqual([]);
  });

  it("gets a state that notices changes", async () => {
    const room = woken(
      rows,
      hooks((user) => user),
    );
    const socket = await room.connect("ada");
    room.change((state) => state.players()["p1"]?.x.set(5));
    expect(socket.clients[0]?.state).toMatchObject({ players: { p1: { x: 5 } } });
    expect(room.storage.rows.get("players.p1")).toMatchObject({ x: 5 });
  });
});

describe("an unreadable row of the runtime", () => {
  it.each([
    ["a session", "$session:secret", { publicId: 5 }],
    ["a session that is none", "$session:secret", "x"],
    ["a schedule", "$schedule:later", { name: "later", at: "soon", failures: 0 }],
    ["a token", "$token:secret", { until: 5 }],
    ["a transfer that ended", "$moved:secret", null],
    ["a user who left", "$departed:secret", { value: { to: 1 }, until: 1 }],
    ["a link", "$link:secret", { run: "a" }],
    ["a listing", "$listing", { wanted: "all" }],
    ["what was counted", "$counts", 5],
    ["what clients know", "$known:000000", 7],
    ["the packets' number", "$sync", { seq: "1" }],
  ])("%s: is quarantined, and the room runs", async (_, key, value) => {
    const room = woken({ ".": { count: 3 }, [key]: value, "$session:bob": { publicId: "bobs" } });
    expect(aside(room)).toEqual({ [key]: value });
    expect(room.storage.rows.has(key)).toBe(false);
    expect(JSON.stringify(room.log)).not.toContain("secret");
    expect(JSON.stringify(room.log)).toContain(key.split(":")[0]);
    expect(room.state.count()).toBe(3);
    expect((await room.connect("bob")).texts[0]).toContain('"pId":"bobs"');
    expect((await room.connect("secret")).isOpen).toBe(true);
    await room.advance(5000);
  });

  it("makes clients reconnect if their positions are lost", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    const socket = await room.connect("ada", null, undefined, "protocol=2");
    room.change((state) => state.count.set(1));
    await room.advance(2000);
    room.storage.rows.set("$sync", 5);
    await room.evict();
    expect(socket.closedWith?.code).toBe(1012);
  });

  it("with a version that is not a number stops the room from starting", () => {
    const room = woken({});
    room.storage.rows.set("$version", "two").set(".", { count: 1 });
    expect(() => room.crash()).toThrow("$version has to hold the number of a version");
    expect(room.storage.rows.get(".")).toEqual({ count: 1 });
  });
});

describe("a field that changed its type without a new version", () => {
  const other = defineRoom({
    path: "r",
    throttleStorage: 0,
    state: () => ({ list: sync(signal<number | null>(null)), config: collection(() => ({ hp: sync(signal(1)) })) }),
  });

  it("is stored in its new place: the old row does not return", async () => {
    const room = woken({ ".": { list: 4 }, list: [1], config: { m1: { hp: 3 } } }, other as never);
    const state = room.state as unknown as {
      list: { (): unknown; set(n: number): void };
      config(): Record<string, { hp(): number }>;
    };
    expect(state.config()["m1"]?.hp()).toBe(3);
    room.change(() => state.list.set(7));
    delete state.config()["m1"];
    room.core.turns.end();
    expect(Object.fromEntries(room.storage.rows)).toEqual({ ".": { list: 7 } });
    room.crash();
    expect((room.state.list as unknown as () => unknown)()).toBe(7);
  });
});
