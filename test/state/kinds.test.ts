import { signal } from "@signe/reactive";
import { describe, expect, expectTypeOf, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, persist, sync } from "../../src/state/fields.ts";
import { Tree } from "../../src/state/tree.ts";
import { MemoryRoom } from "../support/memory.ts";

class Monster {
  hp = sync(signal(10));
  plan = sync(signal("wait"), { visibleTo: "owner" });
  items = collection(() => ({ count: sync(signal(1)) }));
  pos = { x: sync(signal(0)) };
  bag = persist(signal<string[]>([]));
  bite(): string {
    return `bites with ${this.hp()}`;
  }
}
class Boss extends Monster {
  armour = sync(signal(5));
  override bite(): string {
    return `crushes with ${this.hp()}`;
  }
}

describe("an entry of another shape than its collection makes", () => {
  const like = (change: (monster: Record<string, unknown>) => void) => {
    const monster = new Monster() as unknown as Record<string, unknown>;
    change(monster);
    return monster as never;
  };
  it.each<[string, () => never, string]>([
    ["a subclass", () => new Boss() as never, "its class is Boss, but the entries here are made by Monster"],
    [
      "one more field",
      () => like((monster) => (monster["armour"] = sync(signal(5)))),
      'it has a field "armour", which the entries here do not have',
    ],
    [
      "one more field in a part",
      () => like((monster) => ((monster["pos"] as Record<string, unknown>)["z"] = sync(signal(5)))),
      'it has a field "z"',
    ],
    ["one more part", () => like((monster) => (monster["stats"] = { power: sync(signal(5)) })), 'a field "stats"'],
    ["one field less", () => like((monster) => delete monster["hp"]), 'it has no field "hp"'],
    [
      "a field that fewer may see",
      () => like((monster) => (monster["hp"] = sync(signal(1), { visibleTo: () => false }))),
      'its field "hp" is marked differently than in the entries here (visibleTo)',
    ],
    [
      "a field that more may see",
      () => like((monster) => (monster["plan"] = sync(signal("")))),
      'its field "plan" is marked differently than in the entries here (visibleTo)',
    ],
    ["a field that is never sent", () => like((monster) => (monster["hp"] = persist(signal(1)))), "(synced)"],
    [
      "a field that is not stored",
      () => like((monster) => (monster["hp"] = sync(signal(1), { persist: false }))),
      "(persisted)",
    ],
    [
      "a field that is sent as something else",
      () => like((monster) => (monster["hp"] = sync(signal(1), { transform: () => 0 }))),
      "(transform)",
    ],
    [
      "a value in place of an array",
      () => like((monster) => (monster["bag"] = persist(signal(null)))),
      'its field "bag" is an array in the entries here',
    ],
    [
      "a field in place of a part",
      () => like((monster) => (monster["pos"] = sync(signal(0)))),
      'its "pos" differs from that of the entries here',
    ],
  ])("is refused when it is added: %s", (_, make, why) => {
    const state = { monsters: collection(Monster) };
    const tree = new Tree(state);
    state.monsters()["m"] = new Monster();
    tree.settle();
    for (const put of [
      () => (state.monsters()["m"] = make()),
      () => (state.monsters()["n"] = make()),
      () => state.monsters.set({ n: make() }),
    ]) {
      expect(put).toThrow(why);
      expect(put).toThrow(/^monsters\.[mn]: /);
    }
    expect(tree.settle().shared).toBeUndefined();
    expect(Object.keys(state.monsters())).toEqual(["m"]);
  });

  it("stops a room from starting if it is in the initial state", () => {
    const state = { monsters: collection(Monster) };
    state.monsters()["m"] = new Boss();
    expect(() => new Tree(state)).toThrow("monsters.m: its class is Boss");
  });

  it("is accepted if only plain properties, plain values or the code of its own functions differ", () => {
    const card = (value: unknown, limit: number) => ({
      face: sync(signal<unknown>(value), { visibleTo: ({ publicId }) => publicId.length > limit }),
    });
    const state = { cards: collection(() => card(null, 1)), monsters: collection(Monster) };
    const tree = new Tree(state);
    state.cards()["a"] = card([1], 2);
    state.cards()["b"] = card({ a: 1 }, 3);
    const monster = new Monster();
    Object.assign(monster, { note: "plain", list: [1], inside: { deep: { value: 1 } } });
    state.monsters()["m"] = monster;
    state.monsters()["n"] = Object.assign({ bite: () => "" }, new Monster());
    tree.settle();
    expect(JSON.parse(tree.sharedText())).toMatchObject({ monsters: { m: { hp: 10 }, n: { hp: 10 } } });
  });

  it("is compared with what the factory makes for its key", () => {
    const byKey = (key: string) =>
      key.startsWith("b") ? { hp: sync(signal(1)), armour: sync(signal(1)) } : { hp: sync(signal(1)) };
    const state = { monsters: collection<ReturnType<typeof byKey>>(byKey) };
    const tree = new Tree(state);
    state.monsters()["b1"] = byKey("b1");
    state.monsters()["m1"] = byKey("m1");
    expect(() => (state.monsters()["m2"] = byKey("b2"))).toThrow('it has a field "armour"');
    tree.settle();
  });
});

describe("variants of a collection", () => {
  const variants = { monster: Monster, boss: Boss, rock: () => ({ weight: sync(signal(1)) }) };
  const stateOf = () => ({ monsters: collection(variants), count: sync(signal(0)) });
  type State = ReturnType<typeof stateOf>;
  const define = (state: () => object = stateOf) =>
    defineRoom({ path: "r", throttleSync: 0, throttleStorage: 0, state }).compiled;

  it("keep their class, their fields and their visibility after a restart", async () => {
    const room = new MemoryRoom<State>(define());
    const socket = await room.connect("ann");
    room.change(({ monsters }) => {
      monsters()["m"] = new Monster();
      monsters()["b"] = new Boss();
      monsters()["r"] = { weight: sync(signal(3)) };
      const { m, b } = monsters();
      if (b instanceof Boss) b.armour.set(7);
      if (m instanceof Monster) m.items()["i"] = { count: sync(signal(2)) };
    });
    const told = socket.clients[0]?.state;
    expect(told).toEqual({
      count: 0,
      monsters: {
        m: { hp: 10, items: { i: { count: 2 } }, pos: { x: 0 } },
        b: { hp: 10, armour: 7, pos: { x: 0 } },
        r: { weight: 3 },
      },
    });
    expect(room.storage.rows.get("monsters.b")).toEqual({
      $kind: "boss",
      hp: 10,
      plan: "wait",
      pos: { x: 0 },
      bag: [],
      armour: 7,
    });
    for (const restart of [() => room.evict(), async () => room.crash()]) {
      await restart();
      const { m, b, r } = room.state.monsters();
      expect([m?.constructor, b?.constructor]).toEqual([Monster, Boss]);
      expect(b instanceof Boss && [b.bite(), b.armour()]).toEqual(["crushes with 10", 7]);
      expect(r && "weight" in r && r.weight()).toBe(3);
      room.change(({ monsters }) => {
        const boss = monsters()["b"];
        if (boss instanceof Boss) boss.armour.update((armour) => armour);
      });
    }
    const fresh = await room.connect("bob");
    expect(fresh.clients[0]?.state).toEqual(told);
    // Clients are not told the kind of an entry, unless the entry has a field for it.
    expect(fresh.texts.join()).not.toContain("kind");
  });

  it("may replace each other under a key, which clients see as other fields", async () => {
    const room = new MemoryRoom<State>(define());
    const socket = await room.connect("ann");
    room.change(({ monsters }) => (monsters()["m"] = new Boss()));
    room.change(({ monsters }) => (monsters()["m"] = { weight: sync(signal(2)) }));
    expect(socket.clients[0]?.state).toEqual({ count: 0, monsters: { m: { weight: 2 } } });
    await room.evict();
    room.change(({ monsters }) => (monsters()["m"] = new Monster()));
    expect(socket.clients[0]?.state).toEqual({ count: 0, monsters: { m: { hp: 10, pos: { x: 0 } } } });
    expect(room.storage.rows.get("monsters.m")).toEqual({
      $kind: "monster",
      hp: 10,
      plan: "wait",
      pos: { x: 0 },
      bag: [],
    });
  });

  it("replace an initial entry, if another kind was stored there", () => {
    const withFirst = () => {
      const state = stateOf();
      state.monsters()["m"] = new Monster();
      return state;
    };
    const room = new MemoryRoom<State>(define(withFirst));
    room.change(({ monsters }) => (monsters()["m"] = new Boss()));
    room.crash();
    expect(room.state.monsters()["m"]).toBeInstanceOf(Boss);
  });

  it("refuse entries of no variant", () => {
    const state = stateOf();
    const tree = new Tree(state);
    class Dragon extends Boss {}
    expect(() => (state.monsters()["d"] = new Dragon())).toThrow("its class is Dragon");
    expect(() => (state.monsters()["d"] = { size: sync(signal(1)) } as never)).toThrow(
      'monsters.d: it has a field "size"',
    );
    expect(tree.settle().shared).toEqual({ monsters: {}, count: 0 });
  });

  it("read entries from before there were variants as the first, and the other way round", () => {
    const before = () => ({ monsters: collection(Monster) });
    const room = new MemoryRoom<State>(define(before));
    room.change(({ monsters }) => (monsters()["m"] = new Monster()));
    const rows = structuredClone(room.storage.rows);
    const later = new MemoryRoom<State>(define());
    later.storage.rows = rows;
    later.crash();
    expect(later.state.monsters()["m"]).toBeInstanceOf(Monster);
    later.change(({ monsters }) => (monsters()["b"] = new Boss()));
    const back = new MemoryRoom<{ monsters(): Record<string, Monster> }>(define(before));
    back.storage.rows = structuredClone(later.storage.rows);
    back.crash();
    expect(back.state.monsters()["b"]).toBeInstanceOf(Monster);
    expect(back.state.monsters()["b"]?.hp()).toBe(10);
  });

  it("quarantine only an entry whose variant no longer exists", () => {
    const room = new MemoryRoom<State>(define());
    room.change(({ monsters }) => {
      monsters()["m"] = new Monster();
      monsters()["b"] = new Boss();
    });
    const fewer = new MemoryRoom<State>(
      define(() => ({ monsters: collection({ monster: Monster }), count: sync(signal(0)) })),
    );
    fewer.storage.rows = structuredClone(room.storage.rows);
    fewer.crash();
    expect(Object.keys(fewer.state.monsters())).toEqual(["m"]);
    expect(fewer.core.handle.quarantine.list()).toMatchObject([
      { key: "monsters.b", value: { $kind: "boss", armour: 5 }, reason: 'This collection has no variant "boss"' },
    ]);
  });

  it("are passed to onUserStorageRestore and migrations as their variants", async () => {
    const seen: unknown[] = [];
    class Member extends Monster {
      card = sync(signal("none"));
    }
    const at = (version: number) =>
      defineRoom({
        path: "r",
        version,
        migrate: version === 2 ? { 2: (snapshot) => (seen.push(snapshot["players"]), snapshot) } : {},
        throttleStorage: 0,
        state: () => ({ players: users({ monster: Monster, member: Member }) }),
        onUserStorageRestore({ userSnapshot, user }) {
          seen.push(user.constructor);
          return { ...userSnapshot, hp: 77 };
        },
      }).compiled;
    const room = new MemoryRoom<{ players: () => Record<string, Monster> }>(at(1));
    await room.connect("ann");
    const [key] = Object.keys(room.state.players()) as [string];
    room.change(({ players }) => (players()[key] = new Member()));
    await room.deploy(at(2));
    expect(seen).toEqual([{ [key]: expect.objectContaining({ $kind: "member", card: "none" }) as unknown }, Member]);
    expect(room.state.players()[key]).toBeInstanceOf(Member);
    expect(room.state.players()[key]?.hp()).toBe(77);
  });

  it("may be users: a new user has the first variant, and a handler may replace the entry", async () => {
    class Guest {
      name = sync(signal("guest"));
    }
    class Member {
      name = sync(signal("member"));
      coins = persist(signal(3));
    }
    const usersOf = () => ({ players: users({ guest: Guest, member: Member }) });
    const room = new MemoryRoom<ReturnType<typeof usersOf>>(define(usersOf));
    await room.connect("ann");
    const [key] = Object.keys(room.state.players()) as [string];
    expect(room.state.players()[key]).toBeInstanceOf(Guest);
    room.change(({ players }) => (players()[key] = new Member()));
    await room.evict();
    expect(room.state.players()[key]).toBeInstanceOf(Member);
    expect(room.storage.rows.get(`players.${key}`)).toEqual({ $kind: "member", name: "member", coins: 3 });
  });

  it("are typed as a union, and have to be functions", () => {
    const state = stateOf();
    expectTypeOf(state.monsters()["m"]).toEqualTypeOf<
      Monster | Boss | { weight: ReturnType<typeof variants.rock>["weight"] } | undefined
    >();
    for (const wrong of [{}, { monster: 5 }, null, "Monster"]) {
      expect(() => collection(wrong as never)).toThrow("takes a class or a function that makes an entry, or several");
    }
  });
});
