import { computed, signal } from "@signe/reactive";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collection, connected, id, persist, sync, users } from "../../src/state/fields.ts";
import type { Rows } from "../../src/state/rows.ts";
import { Tree } from "../../src/state/tree.ts";

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

function written(rows: Rows) {
  const read = [...rows.unsaved].map((row): [string, unknown] => [row.key, row.read(true)]);
  return { written: Object.fromEntries(read), removed: [...rows.removed].toSorted() };
}

describe("entries that are only stored so far", () => {
  it("are made when they are read, each for itself", () => {
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
    expect(made).toBe(100);
    expect(tree.isDirty).toBe(false);
    expect(tree.rows.isClean).toBe(true);
  });

  it("are told to clients without being made", () => {
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

  it("are made to be told where what is stored does not say it all", () => {
    const { tree } = woken({ players: { ...snapshot(3).players, odd: { x: 1, name: "old", tags: "no array" } } });
    expect(JSON.parse(tree.sharedText())).toMatchObject({
      players: { odd: { x: 1, name: "old", tags: [], pos: { z: 0 } } },
    });
    expect(made).toBe(2);
    expect(Object.keys(written(tree.rows).written)).toEqual(["players.odd"]);
  });

  it("change, go and are replaced like all others", () => {
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

  it("are no dependency of whoever makes them", () => {
    const { state, players } = woken();
    const sum = computed(() => state.players()["p1"]?.x());
    expect([...sum.dependencies]).toEqual([state.players, players["p1"]?.x]);
  });

  it("stay as they are if they cannot be made", () => {
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
    // A function has as many parameters as the one in the table.
    const counted = factory.length
      ? (key: string) => (count++, factory(key))
      : () => (count++, (factory as () => object)());
    const tree = new Tree({ things: collection(counted) });
    tree.load({ things: { a: { hp: 1 }, b: { hp: 2 }, c: { hp: 3 } } });
    expect(count).toBe(3);
  });

  it("P4: whoever reads what, patches, state and rows are those of a room that made them all", () => {
    const key = fc.integer({ min: 0, max: 6 }).map((index) => `p${index}`);
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom("read", "remove", "replace", "text", "settle", "reset", "values"), key }),
      fc.record({ kind: fc.constantFrom("x", "tags", "z"), key, value: fc.integer({ min: -2, max: 2 }) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), fc.array(step, { maxLength: 12 }), (count, steps) => {
        const [lazy, eager] = [woken(snapshot(count)), woken(snapshot(count))];
        Object.values(eager.players);
        for (const one of steps) {
          const [left, right] = [lazy, eager].map((side) => run(side, one));
          expect(left).toEqual(right);
        }
        expect(written(lazy.tree.rows)).toEqual(written(eager.tree.rows));
        expect(lazy.tree.settle()).toEqual(eager.tree.settle());
        expect(JSON.parse(lazy.tree.sharedText())).toEqual(JSON.parse(eager.tree.sharedText()));
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
      state.players.set(Object.fromEntries(Object.entries(state.players()).slice(1)));
      return undefined;
    default:
      return Object.values(state.players()).length;
  }
}
