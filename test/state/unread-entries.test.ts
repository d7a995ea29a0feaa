import { computed, signal } from "@signe/reactive";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { users } from "../../src/app/users.ts";
import { collection, connected, id, persist, sync } from "../../src/state/fields.ts";
import type { Rows } from "../../src/state/rows.ts";
import { Tree } from "../../src/state/tree.ts";
import type { UnreadCollection } from "../../src/state/tree.ts";

let made = 0;
class Player {
  id = id();
  x = sync(signal(0));
  name = sync(signal<string | null>(null));
  tags = sync(signal<string[]>([]));
  secret = persist(signal("s"));
  online = connected();
  pos = { z: sync(signal(0)) };
  constructor() {
    made++;
  }
}

const stored = (x: number) => ({ x, name: `n${x}`, tags: ["t"], secret: "kept", pos: { z: x } });
const snapshot = (count: number) => ({
  players: Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, stored(index)])),
});

function woken(values: Record<string, unknown> = snapshot(100)) {
  const state = { players: users(Player) };
  const tree = new Tree(state);
  made = 0;
  tree.load(values);
  tree.rows.clear();
  tree.settle();
  return { state, tree, players: state.players() };
}

/** A tree with the same state, whose entries are still in storage. */
function unread(entries: Record<string, Record<string, unknown>>) {
  const state = { players: users(Player) };
  const tree = new Tree(state);
  const asked: string[] = [];
  tree.load({});
  tree.openUnread(tree.unreadCollections().get("players") as UnreadCollection, {
    get: (key) => (asked.push(key), entries[key]),
    all: () => (asked.push("*"), Object.entries(entries)),
  });
  tree.rows.clear();
  tree.settle();
  made = 0;
  return { state, tree, players: state.players(), asked };
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

function written(rows: Rows) {
  const read = [...rows.unsaved].map((row): [string, unknown] => [row.key, row.read(true)]);
  return { written: Object.fromEntries(read), removed: [...rows.removed].toSorted() };
}

describe("stored entries that are not made yet", () => {
  it("are made when they are read, one by one", () => {
    const { players, tree } = woken();
    expect(made).toBe(1);
    expect(Object.keys(players)).toHaveLength(100);
    expect("p50" in players && Object.hasOwn(players, "p50")).toBe(true);
    expect(made).toBe(1);
    expect(players["p50"]?.x()).toBe(50);
    expect(players["p50"]).toBe(players["p50"]);
    expect(players["p50"]?.id).toBe("p50");
    expect(made).toBe(2);
    expect(tree.users?.get("p7")).toBe(players["p7"]);
    expect(Object.values(players).map((player) => player.x())).toEqual(
      Array.from({ length: 100 }, (_, index) => index),
    );
    // 100 entries, and one more that was created to find out which fields entries have.
    expect(made).toBe(101);
    expect(tree.isDirty).toBe(false);
    expect(tree.rows.isClean).toBe(true);
  });

  it("are sent to clients without being made", () => {
    const { players, tree } = woken();
    const before = JSON.parse(tree.sharedText()) as unknown;
    expect(made).toBe(1);
    expect(Object.values(players)).toHaveLength(100);
    expect(JSON.parse(tree.sharedText())).toEqual(before);
    expect(before).toMatchObject({
      players: { p3: { x: 3, name: "n3", tags: ["t"], online: false, pos: { z: 3 } } },
    });
    expect(JSON.stringify(before)).not.toContain("kept");
  });

  it("are made to be sent if the stored values are not sufficient", () => {
    const { tree } = woken({ players: { ...snapshot(3).players, odd: { x: 1, name: "old" } } });
    expect(JSON.parse(tree.sharedText())).toMatchObject({
      players: { odd: { x: 1, name: "old", tags: [], pos: { z: 0 } } },
    });
    expect(made).toBe(2);
    expect(Object.keys(written(tree.rows).written)).toEqual(["players.odd"]);
  });

  it("are made at once if a part of them is unreadable", () => {
    const tree = new Tree({ players: users(Player) });
    const unreadable: string[] = [];
    tree.onUnreadable = (names, value) => void unreadable.push(`${names.join(".")}=${JSON.stringify(value)}`);
    made = 0;
    tree.load({
      players: {
        ...snapshot(3).players,
        odd: { ...stored(9), tags: "no array", pos: 5 },
        even: { ...stored(8), x: 2 },
      },
    });
    expect([made, unreadable]).toEqual([2, ['players.odd.tags="no array"', "players.odd.pos=5"]]);
    expect(written(tree.rows).written).toMatchObject({ "players.odd": { x: 9, tags: [], pos: { z: 0 } } });
  });

  it("change, and are removed and replaced like all others", () => {
    const { state, players, tree } = woken();
    players["p1"]?.x.set(-1);
    delete players["p2"];
    players["p3"] = new Player();
    expect(tree.settle().shared).toEqual({
      players: { p1: { x: -1 }, p2: "$delete", p3: { x: 0, name: null, tags: [], pos: { z: 0 } } },
    });
    expect(written(tree.rows)).toMatchObject({
      written: { "players.p1": { x: -1, secret: "kept" }, "players.p3": { x: 0, secret: "s" } },
      removed: ["players.p2"],
    });
    state.players.set({});
    expect(Object.keys(tree.settle().shared?.["players"] as object)).toHaveLength(99);
    expect(tree.sharedText()).toBe('{"players":{}}');
  });

  it("are no dependency of the code that makes them", () => {
    const { state, players } = woken();
    const sum = computed(() => state.players()["p1"]?.x());
    expect([...sum.dependencies]).toEqual([state.players, players["p1"]?.x]);
  });

  it("stay unchanged if they cannot be made", () => {
    let isBroken = false;
    const factory = () => {
      if (isBroken) throw new Error("broken");
      return { hp: sync(signal(10)) };
    };
    const state = { monsters: collection(factory) };
    const tree = new Tree(state);
    tree.load({ monsters: { a: { hp: 1 }, b: { hp: 2 } } });
    isBroken = true;
    expect(() => state.monsters()["b"]).toThrow("broken");
    isBroken = false;
    expect(state.monsters()["b"]?.hp()).toBe(2);
  });

  it.each([
    ["has a parameter", (key: string) => ({ hp: sync(signal(key.length)) })],
    ["makes what not all may see", () => ({ hp: sync(signal(1), { visibleTo: () => true }) })],
    ["makes what is computed", () => ({ hp: sync(signal(1)), isWell: sync(computed(() => made > 0)) })],
    ["makes collections", () => ({ hp: sync(signal(1)), items: collection(() => ({ count: sync(signal(1)) })) })],
  ])("are made at once if their factory %s", (_, factory: (key: string) => object) => {
    let count = 0;
    // The function must have as many parameters as the factory.
    const counted = factory.length
      ? (key: string) => (count++, factory(key))
      : () => (count++, (factory as () => object)());
    const state = { things: collection(counted) };
    const tree = new Tree(state);
    tree.load({ things: { a: { hp: 1 }, b: { hp: 2 }, c: { hp: 3 } } });
    const atOnce = count;
    expect(atOnce).toBeGreaterThanOrEqual(3);
    expect(Object.values(state.things())).toHaveLength(3);
    expect(count).toBe(atOnce);
    expect(tree.unreadCollections().size).toBe(0);
  });

  it("are read from storage one by one, and all together when they are listed", () => {
    const { state, players, asked } = unread(snapshot(100).players);
    expect(players["p7"]?.x()).toBe(7);
    expect("p8" in players).toBe(true);
    expect(Object.hasOwn(players, "p9")).toBe(true);
    expect(delete players["p10"]).toBe(true);
    expect([players["nobody"], players["p7"]?.id, players["p10"]]).toEqual([undefined, "p7", undefined]);
    expect(asked).toEqual(["p7", "p8", "p9", "p10", "nobody"]);
    expect(made).toBe(4);
    expect(Object.keys(state.players())).toHaveLength(99);
    expect(players["p50"]?.x()).toBe(50);
    expect(asked.slice(5)).toEqual(["*"]);
    expect(made).toBe(5);
  });

  it("are not looked up under keys that no entry can have", () => {
    const { players, asked } = unread(snapshot(3).players);
    for (const key of ["__proto__", "constructor", "\ud800", "x".repeat(600)]) expect(players[key]).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it("are all read if so many come and go that remembering them costs more", () => {
    const { players, tree, asked } = unread(snapshot(3).players);
    for (let index = 0; index < 2000; index++) {
      players[`bullet${index}`] = new Player();
      delete players[`bullet${index}`];
    }
    expect(asked.filter((key) => key === "*")).toHaveLength(1);
    expect(Object.keys(players)).toEqual(["p0", "p1", "p2"]);
    expect(tree.settle().shared).toBeUndefined();
  });

  it("P4: whatever is read, patches, state and rows equal those of a room that made all of them", () => {
    const key = fc.integer({ min: 0, max: 6 }).map((index) => `p${index}`);
    const step = fc.oneof(
      fc.record({
        kind: fc.constantFrom("read", "has", "own", "remove", "replace", "text", "settle", "reset", "values"),
        key,
      }),
      fc.record({ kind: fc.constantFrom("x", "tags", "z"), key, value: fc.integer({ min: -2, max: 2 }) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), fc.array(step, { maxLength: 12 }), (count, steps) => {
        const eager = woken(snapshot(count));
        Object.values(eager.players);
        const others = [woken(snapshot(count)), unread(snapshot(count).players)];
        for (const one of steps) {
          const expected = run(eager, one);
          for (const other of others) expect(run(other, one)).toEqual(expected);
        }
        const [rows, changes] = [written(eager.tree.rows), eager.tree.settle()];
        for (const { tree } of others) {
          expect(written(tree.rows)).toEqual(rows);
          expect(tree.settle()).toEqual(changes);
          expect(JSON.parse(tree.sharedText())).toEqual(JSON.parse(eager.tree.sharedText()));
        }
      }),
    );
  });
});

function run({ state, tree }: ReturnType<typeof woken>, step: { kind: string; key: string; value?: number }): unknown {
  const { kind, key, value = 0 } = step;
  const player = () => state.players()[key];
  switch (kind) {
    case "read":
      return player()?.x();
    case "has":
      return key in state.players();
    case "own":
      return Object.hasOwn(state.players(), key);
    case "x":
      return player()?.x.set(value);
    case "tags":
      return player()?.tags().push(String(value));
    case "z":
      return player()?.pos.z.set(value);
    case "remove":
      return delete state.players()[key];
    case "replace":
      state.players()[key] = new Player();
      return undefined;
    case "text":
      return JSON.parse(tree.sharedText());
    case "settle":
      return tree.settle();
    case "reset":
      // The order of keys depends on which entries were read first, so sort them.
      state.players.set(Object.fromEntries(Object.entries(state.players()).toSorted(byKey).slice(1)));
      return undefined;
    default:
      return Object.values(state.players()).length;
  }
}
