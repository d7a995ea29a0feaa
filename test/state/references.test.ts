import { computed, signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { reference } from "../../src/state/reference.ts";
import type { Reference } from "../../src/state/reference.ts";
import { loadInto, snapshotOf } from "../../src/state/snapshots.ts";
import { Tree } from "../../src/state/tree.ts";
import { expectedView } from "../../src/testing/expected-view.ts";
import { MemoryRoom } from "../support/memory.ts";
import type { MemorySocket } from "../support/memory.ts";

const isGm = ({ auth }: { auth: Readonly<Record<string, unknown>> | null }) => auth?.["gm"] === true;

class Player {
  name = sync(signal("ann"));
}

/** A state with references to users, to entries of the same collection, and to hidden entries. */
function stateOf() {
  const players = users(Player);
  class Monster {
    hp = sync(signal(5));
    prey = reference(() => players());
    friend: Reference<Monster> = reference(() => monsters());
  }
  const monsters = collection(Monster);
  const vault = collection(() => ({ gold: sync(signal(1)) }), { visibleTo: isGm });
  const hero = reference(() => monsters());
  return {
    hero,
    prize: reference(() => vault()),
    mine: reference(() => monsters(), { visibleTo: isGm }),
    passing: reference(() => monsters(), { persist: false }),
    heroHp: sync(computed(() => hero()?.hp() ?? -1)),
    players,
    monsters,
    vault,
    Monster,
  };
}
type State = ReturnType<typeof stateOf>;

const definition = defineRoom({
  path: "r",
  throttleSync: 0,
  throttleStorage: 0,
  state: stateOf,
  actions: { show: { run: ({ state }) => [state.monsters()["a"], state.hero, { prize: state.prize }] } },
});

/** A room with the monsters `a` and `b`, an ordinary client, and a client that sees everything. */
async function scene() {
  const room = new MemoryRoom<State>(definition.compiled);
  const player = await room.connect("ann");
  const gm = await room.connect("gm", { gm: true });
  room.change(({ monsters, Monster, vault }) => {
    monsters()["a"] = new Monster();
    monsters()["b"] = new Monster();
    vault()["secret"] = { gold: sync(signal(1)) };
  });
  const viewOf = (socket: MemorySocket) => socket.clients[0]?.state as Record<string, never>;
  return { room, player, gm, viewOf, keys: Object.keys(room.state.players()) as [string, string] };
}

describe("a reference", () => {
  it("sends and stores the key of an entry, and reads as the entry", async () => {
    const { room, player, viewOf, keys } = await scene();
    expect([room.state.hero(), viewOf(player)["hero"]]).toEqual([undefined, null]);
    room.change(({ hero, monsters, players }) => {
      const { a, b } = monsters();
      hero.set(a);
      a?.friend.set(b);
      b?.friend.set(a);
      a?.prey.set(players()[keys[0]]);
    });
    expect(room.state.hero()).toBe(room.state.monsters()["a"]);
    expect(room.state.hero()?.friend()?.friend()).toBe(room.state.hero());
    expect(viewOf(player)).toMatchObject({
      hero: "a",
      heroHp: 5,
      monsters: { a: { friend: "b", prey: keys[0] }, b: { friend: "a", prey: null } },
    });
    expect(room.storage.rows.get("monsters.a")).toEqual({ hp: 5, friend: "b", prey: keys[0] });
    expect(room.storage.rows.get(".")).toMatchObject({ hero: "a" });
    room.change(({ hero }) => hero.set(undefined));
    expect([room.state.hero(), viewOf(player)["hero"], viewOf(player)["heroHp"]]).toEqual([undefined, null, -1]);
  });

  it("survives hibernation and crashes, whatever is read first", async () => {
    const { room, player, viewOf, keys } = await scene();
    room.change(({ hero, passing, monsters, players }) => {
      hero.set(monsters()["a"]);
      passing.set(monsters()["a"]);
      monsters()["a"]?.friend.set(monsters()["b"]);
      monsters()["b"]?.friend.set(monsters()["a"]);
      monsters()["a"]?.prey.set(players()[keys[0]]);
    });
    const told = JSON.stringify(viewOf(player));
    await room.evict();
    expect(room.state.hero()?.friend()?.friend()?.prey()?.name()).toBe("ann");
    expect([room.state.passing(), room.state.heroHp()]).toEqual([room.state.monsters()["a"], 5]);
    room.change(({ monsters }) => monsters()["a"]?.hp.set(6));
    // A client that stayed connected only receives the changes.
    expect(JSON.parse(player.texts.at(-1) as string)).toMatchObject({
      value: { heroHp: 6, monsters: { a: { hp: 6 } } },
    });
    room.change(({ monsters }) => monsters()["a"]?.hp.set(5));
    expect(JSON.stringify(viewOf(player))).toBe(told);
    room.crash();
    expect(room.state.passing()).toBeUndefined();
    expect(room.state.monsters()["b"]?.friend()).toBe(room.state.monsters()["a"]);
    const fresh = await room.connect("bob");
    expect(viewOf(fresh)).toMatchObject({ hero: "a", monsters: { a: { friend: "b" }, b: { friend: "a" } } });
  });

  it("is undefined while its entry is gone, and defined again with another one under the key", async () => {
    const { room, player, viewOf } = await scene();
    room.change(({ hero, monsters }) => {
      hero.set(monsters()["a"]);
      monsters()["b"]?.friend.set(monsters()["a"]);
    });
    const writes = room.storage.writes;
    room.change(({ monsters }) => delete monsters()["a"]);
    expect([room.state.hero(), room.state.monsters()["b"]?.friend()]).toEqual([undefined, undefined]);
    expect(viewOf(player)).toMatchObject({ hero: null, heroHp: -1, monsters: { b: { friend: null } } });
    // Only the row of the entry is written.
    expect(room.storage.writes).toBe(writes + 1);
    await room.evict();
    expect(room.state.hero()).toBeUndefined();
    room.change(({ monsters, Monster }) => (monsters()["a"] = new Monster()));
    expect(room.state.hero()).toBe(room.state.monsters()["a"]);
    expect(viewOf(player)).toMatchObject({ hero: "a", heroHp: 5, monsters: { b: { friend: "a" } } });
    room.change(({ monsters }) => monsters.set({}));
    expect(viewOf(player)).toMatchObject({ hero: null });
  });

  it("is kept by an entry that is removed and added elsewhere", async () => {
    const { room, player, viewOf } = await scene();
    room.change(({ monsters }) => monsters()["a"]?.friend.set(monsters()["b"]));
    room.change(({ monsters }) => {
      const { a } = monsters();
      delete monsters()["a"];
      if (a) monsters()["c"] = a;
    });
    expect(viewOf(player)).toMatchObject({ monsters: { c: { friend: "b" } } });
    room.change(({ monsters }) => delete monsters()["b"]);
    expect(viewOf(player)).toMatchObject({ monsters: { c: { friend: null } } });
  });

  it("refuses an entry that is not in its collection, and stays unchanged", async () => {
    const { room, keys } = await scene();
    const { state } = room;
    const removed = state.monsters()["b"];
    room.change(({ hero, monsters }) => {
      hero.set(monsters()["a"]);
      delete monsters()["b"];
    });
    for (const wrong of [new state.Monster(), removed, state.players()[keys[0]], state, "a", 5, {}]) {
      expect(() => state.hero.set(wrong as never)).toThrow(/^hero: the entry is not in the collection/);
    }
    expect(() => state.monsters()["a"]?.prey.set(state.monsters()["a"] as never)).toThrow(
      /^monsters\.a\.prey: the entry is not/,
    );
    expect(state.hero()).toBe(state.monsters()["a"]);
    expect(() => reference(state.monsters() as never)).toThrow("reference() takes a function");
  });

  it("may be set before the room runs, and in an entry before it is added", () => {
    const state = stateOf();
    const { Monster, monsters, hero } = state;
    const [a, b] = [new Monster(), new Monster()];
    Object.assign(monsters(), { a, b });
    hero.set(b);
    a.friend.set(b);
    b.friend.set(b);
    const tree = new Tree(state);
    const c = new Monster();
    c.friend.set(a);
    monsters()["c"] = c;
    expect(tree.settle().shared).toMatchObject({
      hero: "b",
      monsters: { a: { friend: "b" }, b: { friend: "b" }, c: { friend: "a" } },
    });
  });

  it("is a key in the answers of actions, for an entry that everyone may see", async () => {
    const { room, player } = await scene();
    room.change(({ hero, prize, monsters, vault }) => {
      hero.set(monsters()["a"]);
      monsters()["a"]?.friend.set(monsters()["b"]);
      prize.set(vault()["secret"]);
    });
    await room.core.message(player, JSON.stringify({ action: "show", id: 1 }));
    const { result } = (JSON.parse(player.texts.at(-1) as string) as { value: { result: unknown } }).value;
    expect(result).toEqual([{ hp: 5, prey: null, friend: "b" }, "a", { prize: null }]);
  });

  it("is a key in a snapshot of an entry, which can be loaded", async () => {
    const { room, player, viewOf } = await scene();
    room.change(({ monsters }) => monsters()["a"]?.friend.set(monsters()["b"]));
    const a = room.state.monsters()["a"] as object;
    const saved = snapshotOf(a);
    expect(saved).toEqual({ hp: 5, prey: null, friend: "b" });
    room.change(({ monsters }) => monsters()["a"]?.friend.set(undefined));
    room.change(() => loadInto(a, saved));
    expect(viewOf(player)).toMatchObject({ monsters: { a: { friend: "b" } } });
    expect(() => loadInto(a, { hp: 9, friend: { b: 1 } })).toThrow("monsters.a.friend: a snapshot of a reference");
    expect(snapshotOf(a)).toEqual(saved);
  });

  it("is quarantined if the stored value is not a key", async () => {
    const { room } = await scene();
    room.change(({ hero, monsters }) => hero.set(monsters()["a"]));
    room.storage.rows.set(".", { hero: { a: 1 } });
    room.crash();
    expect(room.state.hero()).toBeUndefined();
    expect(room.core.handle.quarantine.list()).toMatchObject([{ key: "hero", value: { a: 1 } }]);
  });

  it("follows a function that returns other entries later", async () => {
    const mapsOf = () => {
      const at = sync(signal("north"));
      const maps = collection(() => ({ events: collection(() => ({ name: sync(signal("e")) })) }));
      return { at, maps, event: reference(() => maps()[at()]?.events() ?? {}) };
    };
    const room = new MemoryRoom<ReturnType<typeof mapsOf>>(
      defineRoom({ path: "r", throttleSync: 0, throttleStorage: 0, state: mapsOf }).compiled,
    );
    const socket = await room.connect("ann");
    const event = () => (socket.clients[0]?.state as { event?: unknown } | undefined)?.event;
    const map = () => ({ events: collection(() => ({ name: sync(signal("e")) })) });
    room.change(({ maps }) => {
      maps()["north"] = map();
      maps()["south"] = map();
      for (const { events } of Object.values(maps())) events()["x"] = { name: sync(signal("e")) };
    });
    room.change((state) => state.event.set(state.maps()["north"]?.events()["x"]));
    expect(event()).toBe("x");
    room.change((state) => delete state.maps()["north"]);
    expect([event(), room.state.event()]).toEqual([null, undefined]);
    room.change((state) => state.at.set("south"));
    expect([event(), room.state.event()]).toEqual(["x", room.state.maps()["south"]?.events()["x"]]);
    await room.evict();
    room.change((state) => delete state.maps()["south"]?.events()["x"]);
    expect(event()).toBe(null);
  });

  it("of a transferred user is resolved in this room", async () => {
    const petsOf = () => {
      const pets = collection(() => ({ name: sync(signal("cat")) }));
      class Owner {
        pet = reference(() => pets());
      }
      return { pets, players: users(Owner) };
    };
    const room = new MemoryRoom<ReturnType<typeof petsOf>>(
      defineRoom({ path: "r", throttleSync: 0, throttleStorage: 0, state: petsOf }).compiled,
    );
    const socket = await room.connect("bob");
    room.change(({ pets }) => (pets()["p"] = { name: sync(signal("dog")) }));
    for (const [publicId, pet] of Object.entries({ ann: "p", eve: "gone" })) {
      const passenger = {
        transferId: `t-${publicId}`,
        sessionId: publicId,
        publicId,
        sub: undefined,
        state: undefined,
      };
      expect(await room.core.board({ ...passenger, user: { pet } })).toMatchObject({ ok: true });
    }
    const { ann, eve } = room.state.players();
    expect([ann?.pet()?.name(), eve?.pet()]).toEqual(["dog", undefined]);
    await room.advance(10);
    expect(socket.clients[0]?.state).toMatchObject({ players: { ann: { pet: "p" }, eve: { pet: null } } });
    expect(room.storage.rows.get("players.eve")).toEqual({ pet: "gone" });
  });

  it("costs nothing if other entries of the collection come and go", async () => {
    const { room, player } = await scene();
    room.change(({ hero, monsters }) => hero.set(monsters()["a"]));
    let reads = 0;
    const field = room.core.tree.root.children.get("hero") as unknown as { read(): unknown };
    const read = field.read.bind(field);
    field.read = () => (reads++, read());
    room.change(({ monsters, Monster }) => {
      monsters()["c"] = new Monster();
      delete monsters()["b"];
    });
    expect(reads).toBe(0);
    room.change(({ monsters }) => delete monsters()["a"]);
    expect(reads).toBe(1);
    expect(player.isOpen).toBe(true);
  });
});

describe("P4.13: a reference to an entry that not everyone may see", () => {
  it("sends its key only to clients that may see the entry", async () => {
    const { room, player, gm, viewOf } = await scene();
    room.change(({ prize, vault }) => prize.set(vault()["secret"]));
    expect(room.state.prize()?.gold()).toBe(1);
    expect(viewOf(gm)["prize"]).toBe("secret");
    expect(viewOf(player)).not.toHaveProperty("prize");
    await room.evict();
    const late = await room.connect("late");
    room.change(({ vault }) => (vault()["other"] = { gold: sync(signal(2)) }));
    room.change(({ prize, vault }) => prize.set(vault()["other"]));
    expect(viewOf(gm)["prize"]).toBe("other");
    room.change(({ vault }) => delete vault()["other"]);
    expect([viewOf(gm)["prize"], viewOf(player)["prize"], viewOf(late)["prize"]]).toEqual([null, null, null]);
    for (const socket of [player, late]) expect(socket.texts.join()).not.toMatch(/secret|other/);
  });

  it("becomes visible and invisible with the entry", async () => {
    let isOpen = false;
    const boxOf = () => {
      const boxes = collection(() => ({ gold: sync(signal(1)) }), { visibleTo: () => isOpen });
      const own = users(() => ({ hand: collection(() => ({ card: sync(signal(1)) }), { visibleTo: "owner" }) }));
      return { boxes, own, box: reference(() => boxes()), turns: sync(signal(0)) };
    };
    const room = new MemoryRoom<ReturnType<typeof boxOf>>(
      defineRoom({ path: "r", throttleSync: 0, state: boxOf }).compiled,
    );
    const sockets = [await room.connect("ann"), await room.connect("bob", null, undefined, "protocol=2")];
    room.change(({ boxes, box }) => {
      boxes()["hidden"] = { gold: sync(signal(1)) };
      box.set(boxes()["hidden"]);
    });
    const check = () => {
      for (const { clients } of sockets)
        expect(clients[0]?.state).toEqual(expectedView(room.state, { publicId: "", auth: null, user: undefined }));
    };
    check();
    expect(sockets.map(({ texts }) => texts.join()).join()).not.toContain("hidden");
    isOpen = true;
    room.change(({ turns }) => turns.set(1));
    check();
    expect(sockets[0]?.clients[0]?.state).toMatchObject({ box: "hidden" });
    await room.evict();
    isOpen = false;
    room.change(({ turns }) => turns.set(2));
    check();
    expect(sockets[0]?.clients[0]?.state).not.toHaveProperty("box");
  });

  it("does not reveal the previous target while changes wait", async () => {
    const { room, player, gm, viewOf } = await scene();
    room.change(({ prize, vault }) => prize.set(vault()["secret"]));
    room.core.handle.autoSync = false;
    room.change(({ prize }) => prize.set(undefined));
    const late = await room.connect("late");
    room.core.turns.run(() => room.core.handle.applySync(), "caller");
    room.core.turns.run(() => room.core.handle.applySync(), "caller");
    for (const socket of [player, late]) expect(socket.texts.join()).not.toContain("secret");
    expect([viewOf(gm)["prize"], viewOf(late)["prize"]]).toEqual([null, null]);
  });

  it("has its own visibility too", async () => {
    const { room, player, gm, viewOf } = await scene();
    room.change(({ mine, monsters }) => mine.set(monsters()["a"]));
    expect([viewOf(gm)["mine"], viewOf(player)["mine"]]).toEqual(["a", undefined]);
  });
});
