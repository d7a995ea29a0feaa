import { computed, signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { RoomError } from "../../src/protocol/errors.ts";
import { users } from "../../src/app/users.ts";
import { collection, persist, sync } from "../../src/state/fields.ts";
import { Tree } from "../../src/state/tree.ts";
import { gameState, item, monster, Player } from "../support/game-state.ts";
import { ODD_VALUES } from "../support/odd-values.ts";

function settled<S extends object>(state: S) {
  const tree = new Tree(state);
  tree.settle();
  return { state, tree, patch: () => tree.settle().shared };
}

describe("the content of a patch", () => {
  it("is one packet with all changes, and only those", () => {
    const { state, patch } = settled(gameState());
    state.count.set(1);
    state.count.set(2);
    state.flags.a.set(5);
    state.seed.set(9);
    state.cache.set(9);
    expect(patch()).toEqual({ count: 2, flags: { a: 5 } });
    expect(patch()).toBeUndefined();
  });

  it("has the empty parts of a new entry, as a first packet does", () => {
    const { state, tree, patch } = settled(gameState());
    state.players()["ann"] = new Player();
    const [told] = Object.values(patch()?.["players"] as Record<string, object>);
    const { players } = JSON.parse(tree.sharedText()) as { players: Record<string, object> };
    expect(told).toEqual(players["ann"]);
    expect(told).toMatchObject({ items: {} });
    // An entry that replaces it has the same empty parts, so they are not sent again.
    const other = (state.players()["ann"] = new Player());
    other.x.set(1);
    expect(patch()).toEqual({ players: { ann: { x: 1 } } });
  });

  it("is empty if a value returned to what it was", () => {
    const { state, patch } = settled(gameState());
    state.count.set(1);
    state.count.set(0);
    expect(patch()).toBeUndefined();
  });

  it("follows arrays in steps that load can apply, and as a whole if they shrink", () => {
    const { state, patch } = settled(gameState());
    state.scores.set([1, 2, 3, 4]);
    expect(patch()).toEqual({ scores: [1, 2, 3, 4], best: 4 });
    state.scores().push(5);
    expect(patch()).toEqual({ scores: { 4: 5 }, best: 5 });
    state.scores()[0] = 9;
    expect(patch()).toEqual({ scores: { 0: 9 }, best: 9 });
    state.scores().sort((a, b) => a - b);
    expect(patch()).toEqual({ scores: [2, 3, 4, 5, 9] });
    state.scores().length = 1;
    expect(patch()).toEqual({ scores: [2], best: 2 });
    state.scores().reverse().push(1, 7);
    expect(patch()).toEqual({ scores: [2, 1, 7], best: 7 });
  });

  it("has the changes of mutate at any depth", () => {
    const { state, patch } = settled(gameState());
    state.config.mutate((config) => {
      (config["map"] as { width: number }).width = 20;
      (config["list"] as number[]).splice(1, 1);
      delete (config["map"] as { height?: number }).height;
    });
    expect(patch()).toEqual({ config: { map: { width: 20, height: "$delete" }, list: [1, 3] } });
  });

  it("deletes what a replaced object lost", () => {
    const { state, patch } = settled(gameState());
    state.config.set({ map: { width: 10 } });
    expect(patch()).toEqual({ config: { map: { height: "$delete" }, list: "$delete" } });
  });

  it("adds, changes, removes and replaces entries", () => {
    const { state, patch } = settled(gameState());
    state.monsters()["m1"] = monster();
    expect(patch()).toEqual({ monsters: { m1: { hp: 10, loot: {} } } });
    state.monsters()["m1"]?.hp.set(9);
    expect(patch()).toEqual({ monsters: { m1: { hp: 9 } } });
    state.monsters()["m1"]?.loot.mutate((loot) => (loot["gold"] = 5));
    expect(patch()).toEqual({ monsters: { m1: { loot: { gold: 5 } } } });
    state.monsters()["m1"] = monster();
    expect(patch()).toEqual({ monsters: { m1: { hp: 10, loot: { gold: "$delete" } } } });
    delete state.monsters()["m1"];
    expect(patch()).toEqual({ monsters: { m1: "$delete" } });
    state.monsters()["m2"] = monster();
    delete state.monsters()["m2"];
    expect(patch()).toBeUndefined();
  });

  it("recognizes an entry that is added again under another key", () => {
    const { state, patch } = settled(gameState());
    const one = monster();
    state.monsters()["m1"] = one;
    patch();
    delete state.monsters()["m1"];
    one.hp.set(3);
    state.monsters()["m2"] = one;
    expect(patch()).toEqual({ monsters: { m1: "$delete", m2: { hp: 3, loot: {} } } });
    one.hp.set(2);
    expect(patch()).toEqual({ monsters: { m2: { hp: 2 } } });
  });

  it("id() is placeholder text before the entry is added", () => {
    const { id: early } = new Player();
    expect(early.toUpperCase()).toBe("(THE ENTRY'S KEY, ONCE IT IS ADDED)");
  });

  it("sets the key where id() is, also inside of other entries", () => {
    const { state, patch } = settled(gameState());
    const player = new Player();
    state.players()["abc"] = player;
    player.items()["sword"] = item();
    expect(player.id).toBe("abc");
    expect(patch()).toMatchObject({ players: { abc: { items: { sword: { count: 1 } } } } });
    player.items()["sword"]?.count.set(7);
    expect(patch()).toEqual({ players: { abc: { items: { sword: { count: 7 } } } } });
  });

  it("computed signals follow everything that they read, also what did not exist when they were made", () => {
    const players = users(Player);
    const state = {
      players,
      leader: sync(computed(() => Object.entries(players()).toSorted(([, a], [, b]) => b.x() - a.x())[0]?.[0] ?? null)),
    };
    const { patch } = settled(state);
    state.players()["a"] = new Player();
    state.players()["b"] = new Player();
    patch();
    state.players()["b"]?.x.set(5);
    expect(patch()).toEqual({ leader: "b", players: { b: { x: 5 } } });
    expect(state.leader()).toBe("b");
    state.players()["a"]?.x.set(9);
    expect(patch()).toEqual({ leader: "a", players: { a: { x: 9 } } });
    delete state.players()["a"];
    expect(patch()).toEqual({ leader: "b", players: { a: "$delete" } });
  });

  it("one that throws keeps its last value, and is reported", () => {
    const count = sync(signal(1));
    const { tree, state, patch } = settled({
      count,
      half: sync(
        computed(() => {
          if (count() > 5) throw new Error("too much");
          return count() / 2;
        }),
      ),
    });
    const errors: unknown[] = [];
    tree.onError = (error) => errors.push(error);
    state.count.set(4);
    expect(patch()).toEqual({ count: 4, half: 2 });
    state.count.set(6);
    expect(patch()).toEqual({ count: 6 });
    expect(String(errors)).toContain("too much");
  });

  it.each([
    ["the text that deletes", "$delete"],
    ["a list of it, which load compares to a text", ["$delete"]],
    ["a key that harms clients", { toString: 1 }],
  ])("P5.6, P5.9: one that would send %s keeps its last value, and so does a transform", (_, harm) => {
    const secret = persist(signal<unknown>("fine"));
    const { tree, state, patch } = settled({
      secret,
      seen: sync(computed(() => secret())),
      shown: sync(signal(0), { transform: (count) => (count > 1 ? harm : count) as number }),
    });
    const errors: unknown[] = [];
    tree.onError = (error) => errors.push(error);
    state.secret.set(harm);
    state.shown.set(5);
    expect(patch()).toBeUndefined();
    expect(errors).toHaveLength(2);
    state.secret.set("well");
    state.shown.set(1);
    expect(patch()).toEqual({ seen: "well", shown: 1 });
  });

  it("a frozen signal is sent when it is unfrozen", () => {
    const { state, patch } = settled(gameState());
    state.count.freeze();
    state.count.set(5);
    expect(patch()).toBeUndefined();
    state.count.unfreeze();
    expect(patch()).toEqual({ count: 5 });
  });

  it("never contains what is not marked, what is only stored, or what is for others", () => {
    const { state, patch } = settled(gameState());
    state.players()["abc"] = new Player();
    const sent = JSON.stringify(patch());
    for (const secret of ["private", "hand", "plan", "note", "kept", "seed", "cache"])
      expect(sent).not.toContain(secret);
  });
});

describe("changes that are refused when they are made", () => {
  const cases: [string, string, (state: ReturnType<typeof gameState>) => void][] = [
    ["$delete as a value", "title", (state) => state.title.set("$delete")],
    ["$delete deep inside", "config.a.0", (state) => state.config.set({ a: ["$delete"] })],
    ["$delete pushed", "board", (state) => state.board().push("$delete")],
    [
      "$delete in an entry",
      "monsters.m1.loot",
      (state) => {
        state.monsters()["m1"] = monster();
        state.monsters()["m1"]?.loot.mutate((loot) => ((loot as Record<string, unknown>)["x"] = "$delete"));
      },
    ],
    [
      "__proto__ as a key",
      "config.__proto__",
      (state) => state.config.set(JSON.parse('{"__proto__":{"a":1}}') as object as never),
    ],
    [
      "constructor in mutate",
      "config.constructor",
      (state) => state.config.mutate((config) => (config["constructor"] = 1)),
    ],
    ["prototype as an entry", "monsters.prototype", (state) => (state.monsters()["prototype"] = monster())],
    ["a key that breaks clients", "config.toString", (state) => state.config.set({ toString: 1 as never })],
    ["one deep in an array", "board.0.a.observable", (state) => state.board.set([{ a: { observable: true } }])],
    ["null for an object", "config", (state) => state.config.set(null as never)],
    ["an object for an array", "scores", (state) => state.scores.set({} as never)],
    [
      "a circle",
      "config",
      (state) => {
        const circle: Record<string, unknown> = {};
        circle["again"] = circle;
        state.config.set(circle);
      },
    ],
    ["an index far away", "scores.1000000", (state) => (state.scores()[1_000_000] = 1)],
    ["an entry that is none", "monsters.m1", (state) => (state.monsters()["m1"] = { hp: 5 } as never)],
    [
      "entries of which one is none",
      "monsters.b",
      (state) => state.monsters.set({ a: monster(), b: { hp: 5 } as never }),
    ],
    [
      "one entry under two keys",
      "monsters.b",
      (state) => {
        const twin = monster();
        state.monsters.set({ a: twin, b: twin });
      },
    ],
    [
      "an entry that is elsewhere",
      "monsters.m2",
      (state) => {
        state.monsters()["m1"] = monster();
        state.monsters()["m2"] = state.monsters()["m1"] as ReturnType<typeof monster>;
      },
    ],
  ];
  it.each(cases)("%s", (_, path, change) => {
    const { state, tree } = settled(gameState());
    const before = tree.textFor({ publicId: "x", auth: null, user: undefined });
    let thrown: unknown;
    try {
      change(state);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(RoomError);
    expect((thrown as Error).message).toContain(path);
    tree.settle();
    const text = tree.textFor({ publicId: "x", auth: null, user: undefined });
    expect(text).not.toContain("$delete");
    if (!path.startsWith("monsters.m")) expect(text).toBe(before);
  });

  it("P5.7: null is not refused for a value that began as null, even if it was something else when it became part of the state", () => {
    const chest = () => ({ loot: sync(signal<string[] | null>(null)) });
    const { state, patch } = settled({ chests: collection(chest) });
    const full = chest();
    full.loot.set(["gold"]);
    state.chests()["a"] = full;
    expect(patch()).toEqual({ chests: { a: { loot: ["gold"] } } });
    full.loot.set(null);
    expect(patch()).toEqual({ chests: { a: { loot: null } } });
  });

  it("of all entries leave them unchanged, in the state and at clients", () => {
    const { state, patch } = settled(gameState());
    const old = (state.monsters()["old"] = monster());
    patch();
    expect(() => state.monsters.set({ new: monster(), none: {} as never })).toThrow(RoomError);
    expect(state.monsters()).toEqual({ old });
    expect(patch()).toBeUndefined();
    // An entry that is already somewhere else in the state is refused as well.
    const player = (state.players()["p"] = new Player());
    const sword = (player.items()["sword"] = item());
    const other = (state.players()["q"] = new Player());
    expect(() => other.items.set({ new: item(), sword })).toThrow("players.q.items.sword");
    expect(Object.keys(other.items())).toEqual([]);
    patch();
    // The entry `old` was not added elsewhere by the failed change, so it can be assigned.
    state.monsters.set({ other: old });
    expect(patch()).toEqual({ monsters: { old: "$delete", other: { hp: 10, loot: {} } } });
  });

  it("a second users field", () => {
    expect(() => new Tree({ a: users(Player), b: users(Player) })).toThrow("one users field");
  });

  it("a field name that a packet uses itself", () => {
    expect(() => new Tree({ pId: sync(signal(1)) })).toThrow('"pId"');
    expect(() => new Tree({ "a.b": sync(signal(1)) })).toThrow('"a.b"');
  });
});

describe("rows", () => {
  it("one for the scalars, one for each other field, one for each entry", () => {
    const state = {
      count: sync(signal(1)),
      list: sync(signal([1])),
      pos: { x: sync(signal(2)) },
      monsters: collection(monster),
    };
    const tree = new Tree(state);
    state.monsters()["a/b%"] = monster();
    state.count.set(3);
    state.list().push(2);
    state.pos.x.set(4);
    const rows = [...tree.rows.unsaved].map((row) => [row.key, row.read(true)]);
    expect(Object.fromEntries(rows)).toEqual({
      ".": { count: 3 },
      list: [1, 2],
      pos: { x: 4 },
      "monsters.a/b%25": { hp: 10, loot: {} },
    });
  });

  it("a removed entry removes those inside of it", () => {
    const { state, tree } = settled(gameState());
    const player = new Player();
    player.items()["sword"] = item();
    state.players()["abc"] = player;
    tree.rows.clear();
    delete state.players()["abc"];
    expect([...tree.rows.removed].toSorted()).toEqual(["players.abc", "players.abc.items.sword"]);
  });
});

describe("values that JSON cannot represent", () => {
  const state = () => ({
    any: sync(signal<unknown>(null)),
    kept: persist(signal<unknown>(null)),
    list: sync(signal<unknown[]>([])),
    config: sync(signal<Record<string, unknown>>({})),
    monsters: collection(() => ({ any: sync(signal<unknown>(null)) })),
  });

  for (const [name, make] of Object.entries(ODD_VALUES)) {
    it(`are refused wherever they are set, with the path, and nothing changes: ${name}`, () => {
      const { state: room, patch } = settled(state());
      room.monsters()["m1"] = { any: sync(signal<unknown>(null)) };
      room.list.set([0]);
      room.config.set({ deep: {} });
      patch();
      const doors: [path: string, run: () => void][] = [
        ["any", () => room.any.set(make())],
        ["kept", () => room.kept.set(make())],
        ["any.a.0", () => room.any.set({ a: [make()] })],
        ["list.push", () => room.list().push(make())],
        ["list.0", () => (room.list()[0] = make())],
        ["config.a", () => (room.config()["a"] = make())],
        [
          "config.deep.a",
          () => room.config.mutate((config) => ((config["deep"] as Record<string, unknown>)["a"] = make())),
        ],
        ["monsters.m1.any", () => room.monsters()["m1"]?.any.set(make())],
        ["monsters.m2.any", () => (room.monsters()["m2"] = { any: sync(signal<unknown>({ a: make() })) })],
      ];
      for (const [path, run] of doors) {
        expect(run, path).toThrow(RoomError);
        expect(run, path).toThrow(path);
      }
      expect(patch()).toBeUndefined();
      expect([room.any(), room.kept(), room.list()[0], Object.keys(room.monsters())]).toEqual([null, null, 0, ["m1"]]);
    });

    it(`stop a state from being made, and a computed value from being sent: ${name}`, () => {
      expect(() => new Tree({ config: sync(signal<unknown>({ a: make() })) })).toThrow("config.a");
      if (name.includes("fields") || name === "a signal") return;
      const errors: unknown[] = [];
      const tree = new Tree({ made: sync(computed(() => ({ a: make() }))) });
      tree.onError = (error) => errors.push(error);
      expect(tree.settle().shared).toEqual({ made: null });
      expect(String(errors)).toContain("made.a");
    });
  }
});
