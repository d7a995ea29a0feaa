import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { Tree } from "../../src/state/tree.ts";
import { MemoryRoom } from "../support/memory.ts";

class Player {
  x = sync(signal(0));
  pos = { y: sync(signal(0)) };
}
class Bullet {
  speed = sync(signal(1));
  owner: unknown;
  self: unknown = this;
  constructor(owner?: unknown) {
    this.owner = owner;
  }
}
const stateOf = () => ({ players: users(Player), bullets: collection(Bullet) });
const roomOf = () => {
  const actions = { show: { run: ({ state }: { state: ReturnType<typeof stateOf> }) => state.bullets()["b"] } };
  const room = new MemoryRoom<ReturnType<typeof stateOf>>(
    defineRoom({ path: "r", throttleSync: 0, throttleStorage: 0, state: stateOf, actions }).compiled,
  );
  return room;
};

describe("a plain property that refers to an entry", () => {
  it.each(["in the constructor", "later"])("does not change the fields of its owner (set %s)", async (when) => {
    const room = roomOf();
    const socket = await room.connect("ann");
    const [key, player] = Object.entries(room.state.players())[0] as [string, Player];
    room.change(({ bullets }) => {
      bullets()["b"] = new Bullet(when === "later" ? undefined : player);
      if (when === "later") (bullets()["b"] as Bullet).owner = player;
    });
    room.change(() => {
      player.x.set(7);
      player.pos.y.set(8);
    });
    const told = { players: { [key]: { x: 7, pos: { y: 8 } } }, bullets: { b: { speed: 1 } } };
    expect(socket.clients[0]?.state).toEqual(told);
    expect(room.storage.rows.get("bullets.b")).toEqual({ speed: 1 });
    expect(room.storage.rows.get(`players.${key}`)).toEqual({ x: 7, pos: { y: 8 } });
    await room.core.message(socket, JSON.stringify({ action: "show", id: 1 }));
    expect(JSON.parse(socket.texts.at(-1) as string)).toEqual({ type: "ack", value: { id: 1, result: { speed: 1 } } });
    room.change(({ bullets }) => delete bullets()["b"]);
    room.change(() => player.x.set(9));
    expect(socket.clients[0]?.state).toEqual({ players: { [key]: { x: 9, pos: { y: 8 } } } });
    expect(room.storage.rows.get(`players.${key}`)).toEqual({ x: 9, pos: { y: 8 } });
  });

  it("may refer to a removed entry, which does not affect it", () => {
    const state = stateOf();
    const tree = new Tree(state);
    const player = (state.players()["ann"] = new Player());
    delete state.players()["ann"];
    state.bullets()["b"] = new Bullet(player);
    tree.settle();
    player.x.set(1);
    expect(tree.settle().shared).toBeUndefined();
    expect(tree.sharedText()).toBe('{"players":{},"bullets":{"b":{"speed":1}}}');
  });

  it("may be circular: two entries that refer to each other, each with a path to itself", () => {
    interface Monster {
      hp: () => number;
      friend?: Monster;
    }
    const monster = (): Monster => ({ hp: sync(signal(1)) });
    for (const make of [monster, () => new Bullet()]) {
      const state = { entries: collection<object>(make) };
      const tree = new Tree(state);
      const [a, b] = [make(), make()] as [Monster, Monster];
      a.friend = b;
      b.friend = a;
      state.entries()["a"] = a;
      state.entries()["b"] = b;
      tree.settle();
      const alone = make === monster ? '{"hp":1}' : '{"speed":1}';
      expect(tree.sharedText()).toBe(`{"entries":{"a":${alone},"b":${alone}}}`);
    }
  });

  it("may refer to the state, or from a part of an entry to the entry", () => {
    class Stats {
      power = sync(signal(1));
      readonly of: object;
      constructor(of: object) {
        this.of = of;
      }
    }
    class Event {
      name = sync(signal("fire"));
      stats = new Stats(this);
      map: unknown;
    }
    const state = { events: collection(Event), self: undefined as unknown, count: sync(signal(0)) };
    state.self = state;
    const first = new Event();
    first.map = state;
    state.events()["a"] = first;
    const tree = new Tree(state);
    const second = new Event();
    second.map = state;
    state.events()["b"] = second;
    tree.settle();
    const event = '{"name":"fire","stats":{"power":1}}';
    expect(tree.sharedText()).toBe(`{"events":{"a":${event},"b":${event}},"count":0}`);
    expect([...tree.storedRows().keys()].toSorted()).toEqual([".", "events.a", "events.b"]);
  });

  it("may refer to a part of another entry, also in a stored entry that is removed and added again", async () => {
    const partsOf = () => ({ flags: { a: sync(signal(0)) }, players: collection(Player), bullets: collection(Bullet) });
    const room = new MemoryRoom<ReturnType<typeof partsOf>>(
      defineRoom({ path: "r", throttleSync: 0, throttleStorage: 0, state: partsOf }).compiled,
    );
    const socket = await room.connect("ann");
    room.change(({ players, bullets }) => {
      players()["p"] = new Player();
      bullets()["b"] = new Bullet();
    });
    const told = { flags: { a: 0 }, players: { p: { x: 0, pos: { y: 0 } } }, bullets: { b: { speed: 1 } } };
    for (const restart of [async () => {}, () => room.evict()]) {
      await restart();
      room.change(({ flags, players, bullets }) => {
        const { b } = bullets();
        if (!b) return;
        b.owner = flags;
        b.self = players()["p"]?.pos;
        expect(() => (bullets()["b"] = Object.assign(new Bullet(), { speed: players()["p"]?.x }))).toThrow(
          "its signal",
        );
        delete bullets()["b"];
        bullets()["b"] = b;
      });
      expect(socket.clients[0]?.state).toEqual(told);
    }
    room.change(({ flags }) => flags.a.set(1));
    expect(socket.clients[0]?.state).toEqual({ ...told, flags: { a: 1 } });
  });

  it("does not mark the signals of the entry if it is in an object that is marked as a whole", () => {
    const state = { players: collection(() => ({ x: sync(signal(0)), secret: signal("s") })) };
    const tree = new Tree(state);
    const ann = (state.players()["ann"] = { x: sync(signal(0)), secret: signal("s") });
    const marked: Record<string, unknown> = { a: signal(1), ann };
    marked["self"] = marked;
    sync(marked);
    state.players()["ann"] = ann;
    tree.settle();
    expect(tree.sharedText()).toBe('{"players":{"ann":{"x":0}}}');
  });
});

describe("the same signal in two places", () => {
  it("stops a room from starting, and both places are named", () => {
    const shared = sync(signal(0));
    expect(() => new Tree({ score: shared, flags: { points: shared } })).toThrow(
      "flags.points: its signal is that of score: each field needs a signal of its own",
    );
  });

  it("is refused when an entry is added, and stays with its first owner", () => {
    const state = stateOf();
    const tree = new Tree(state);
    const ann = (state.players()["ann"] = new Player());
    const bullet = new Bullet();
    bullet.speed = ann.x;
    tree.settle();
    expect(() => (state.bullets()["b"] = bullet)).toThrow("bullets.b.speed: its signal is that of players.ann.x");
    const thief = new Player();
    thief.pos = ann.pos;
    expect(() => (state.players()["bob"] = thief)).toThrow(
      "players.bob.pos.y: its signal is that of players.ann.pos.y",
    );
    expect(Object.keys(state.players())).toEqual(["ann"]);
    ann.x.set(3);
    ann.pos.y.set(4);
    expect(tree.settle().shared).toEqual({ players: { ann: { x: 3, pos: { y: 4 } } } });
  });

  it("may move from one entry to another that replaces it", () => {
    const state = stateOf();
    const tree = new Tree(state);
    const ann = (state.players()["ann"] = new Player());
    tree.settle();
    const next = new Player();
    next.x = ann.x;
    state.players()["ann"] = next;
    next.x.set(5);
    expect(tree.settle().shared).toEqual({ players: { ann: { x: 5 } } });
  });

  it("does not stop rooms of a definition that shares signals by mistake", () => {
    const count = sync(signal(0));
    const definition = defineRoom({ path: "r", state: () => ({ count }) });
    const room = new MemoryRoom<{ count: typeof count }>(definition.compiled);
    room.crash();
    room.change(({ count: own }) => own.set(1));
    expect(room.core.tree.isDirty).toBe(true);
  });
});
