import { computed, signal } from "@signe/reactive";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { eachItem, loadInto, snapshotOf } from "../../src/index.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, id, persist, sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";

class Item {
  count = sync(signal(1));
  note = persist(signal("kept"));
}
class Player {
  id = id();
  x = sync(signal(0));
  secret = persist(signal<unknown>(null));
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
  stance = sync(signal(0), { persist: false });
  online = connected();
  double = sync(computed(() => this.x() * 2));
  pos = { x: sync(signal(0)), y: sync(signal(0)) };
  items = collection(Item);
  helper = 42;
}
const STORED = { x: 0, secret: null, hand: [], pos: { x: 0, y: 0 }, items: {} };

function scene() {
  const { compiled } = defineRoom({
    path: "r",
    throttleSync: 0,
    state: () => ({ players: users(Player), monsters: collection(Item) }),
  });
  return new MemoryRoom<{ players(): Record<string, Player>; monsters(): Record<string, Item> }>(compiled);
}

describe("snapshotOf", () => {
  it("contains everything that is stored of an entry, and nothing else, whether or not it is in a state", () => {
    const player = new Player();
    expect(snapshotOf(player)).toEqual(STORED);
    const room = scene();
    room.change((state) => {
      state.players()["p"] = player;
      player.items()["sword"] = new Item();
      player.hand.set(["ace"]);
    });
    const snapshot = snapshotOf(player);
    expect(snapshot).toEqual({ ...STORED, hand: ["ace"], items: { sword: { count: 1, note: "kept" } } });
    expect(snapshot).toEqual(JSON.parse(JSON.stringify(snapshot)));
    // The snapshot is a copy.
    (snapshot["hand"] as string[]).push("king");
    expect(player.hand()).toEqual(["ace"]);
  });
});

describe("entries of variants", () => {
  class Sword {
    edge = sync(signal(1));
  }
  class Bow {
    range = sync(signal(10));
  }
  class Hero {
    name = sync(signal(""));
    arms = collection({ sword: Sword, bow: Bow });
  }
  const armed = () => {
    const hero = new Hero();
    hero.arms()["a"] = new Sword();
    hero.arms()["b"] = new Bow();
    return hero;
  };

  it("keep their variant, from an entry of a state and from a free one", () => {
    const room = new MemoryRoom<{ heroes(): Record<string, Hero> }>(
      defineRoom({ path: "r", state: () => ({ heroes: collection(Hero) }) }).compiled,
    );
    const live = armed();
    room.change((state) => (state.heroes()["h"] = live));
    for (const hero of [live, armed()]) {
      const snapshot = snapshotOf(hero);
      const other = new Hero();
      loadInto(other, snapshot);
      expect([other.arms()["a"], other.arms()["b"]].map((arm) => arm?.constructor)).toEqual([Sword, Bow]);
      expect(snapshotOf(other)).toEqual(snapshot);
      hero.arms.set({});
      room.change(() => loadInto(hero, snapshot));
      expect(hero.arms()["b"]).toBeInstanceOf(Bow);
    }
  });
});

describe("loadInto", () => {
  const any = fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.array(fc.integer()));
  const given = fc.record({
    x: fc.integer(),
    secret: any,
    hand: fc.array(fc.string()),
    at: fc.integer(),
    items: fc.dictionary(fc.constantFrom("a", "b", "c"), fc.integer()),
  });
  const set = (
    player: Player,
    { x, secret, hand, at, items }: typeof given extends fc.Arbitrary<infer T> ? T : never,
  ) => {
    player.x.set(x);
    player.secret.set(secret);
    player.hand.set([...hand]);
    player.pos.x.set(at);
    player.items.set(
      Object.fromEntries(
        Object.entries(items).map(([key, count]) => {
          const item = new Item();
          item.count.set(count);
          return [key, item];
        }),
      ),
    );
  };

  it("restores the result of snapshotOf, over any values, and clients and storage get exactly that", async () => {
    await fc.assert(
      fc.asyncProperty(given, given, async (first, second) => {
        const room = scene();
        const socket = await room.connect("ada");
        const [key = ""] = Object.keys(room.state.players());
        const player = room.state.players()[key] as Player;
        room.change(() => set(player, first));
        const snapshot = snapshotOf(player);
        room.change(() => set(player, second));
        room.change(() => loadInto(player, snapshot));
        expect(snapshotOf(player)).toEqual(snapshot);
        await room.advance(2000);
        expect(JSON.stringify(socket.clients[0]?.state)).toContain(`"x":${first.x}`);
        room.crash();
        expect(snapshotOf(room.state.players()[key] as Player)).toEqual(snapshot);
        // Restoring also works for an entry that is not part of a state yet.
        const other = new Player();
        loadInto(other, snapshot);
        expect(snapshotOf(other)).toEqual(snapshot);
      }),
      { numRuns: 60 },
    );
  });

  it("ignores what the snapshot does not have, and what is not stored", () => {
    const player = new Player();
    player.x.set(5);
    loadInto(player, { hand: ["ace"], stance: 9, online: true, helper: 1, unknown: 1 });
    expect([player.x(), player.hand(), player.stance(), player.online(), player.helper]).toEqual([
      5,
      ["ace"],
      0,
      false,
      42,
    ]);
  });

  it("changes nothing if a value cannot be set, and names it", () => {
    const room = scene();
    const player = new Player();
    room.change((state) => (state.players()["p"] = player));
    player.x.set(1);
    expect(() => loadInto(player, { x: 2, hand: "no list" })).toThrow("players.p.hand");
    expect(() => loadInto(player, { x: 2, secret: new Map() })).toThrow("players.p.secret");
    expect(player.x()).toBe(1);
  });
});

it("eachItem makes a transform of each item of an array, or each value of an object", () => {
  const room = new MemoryRoom<{ list: { set(next: string[]): void }; bag: { set(next: object): void } }>(
    defineRoom({
      path: "r",
      throttleSync: 0,
      state: () => ({
        list: sync(signal<string[]>([]), { transform: eachItem((text: string, at) => `${at} ${text.toUpperCase()}`) }),
        bag: sync(signal<Record<string, string>>({}), { transform: eachItem((text: string) => Number(text)) }),
      }),
    }).compiled,
  );
  room.change(({ list, bag }) => {
    list.set(["a", "b"]);
    bag.set({ x: "42" });
  });
  room.core.tree.settle();
  expect(JSON.parse(room.core.tree.sharedText())).toEqual({ list: ["0 A", "1 B"], bag: { x: 42 } });
});
