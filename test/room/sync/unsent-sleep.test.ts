import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { users } from "../../../src/app/users.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { near } from "../../../src/state/near.ts";
import { MemoryTree } from "../../support/memory-shards.ts";
import type { MemorySocket } from "../../support/memory.ts";

/** Rooms with `autoSync: false` that hibernated with unsent changes: they do not know which private fields clients have. */

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  hand = sync(signal(["ace"]), { visibleTo: "owner" });
  plan = sync(signal("wait"), { visibleTo: () => this.isOpen() });
  isOpen = sync(signal(false));
}
const thing = () => ({ hp: sync(signal(1)) });
const stateOf = () => ({
  count: sync(signal(0)),
  players: users(Player, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }),
  traps: collection(thing, { visibleTo: ({ auth }) => auth?.["gm"] === true }),
  rocks: collection(() => ({ ...thing(), x: sync(signal(0)), y: sync(signal(0)) }), {
    visibleTo: near({ x: "x", y: "y", radius: 100 }),
  }),
  chests: collection(thing, { visibleTo: () => true }),
});
type State = ReturnType<typeof stateOf>;
const count = { run: ({ state }: { state: State }) => state.count.update((value) => value + 1) };

/** A user, and another one far away, at the room or at a shard. There are a trap and a chest. */
async function meet(via: "room" | "shard") {
  const tree = new MemoryTree<State>(
    defineRoom({ path: "r", throttleSync: 0, autoSync: false, state: stateOf, actions: { count } }).compiled,
  );
  const { room } = tree;
  const shard = tree.add("s0");
  const connect = async (session: string) => {
    const query = "protocol=2&protocol=3&clear=1";
    const socket =
      via === "room" ? await room.connect(session, null, undefined, query) : shard.connect(session, null, query);
    await tree.advance(100);
    return socket;
  };
  const sockets: MemorySocket[] = [await connect("ada"), await connect("eve")];
  const [ada, eve] = sockets as [MemorySocket, MemorySocket];
  room.change(({ players, traps, chests }) => {
    for (const [index, player] of Object.values(players()).entries()) player.x.set(index * 1000);
    traps()["trap-1"] = thing();
    chests()["chest-1"] = thing();
  });
  const apply = async () => {
    room.core.handle.applySync();
    await tree.advance(1000);
  };
  await apply();
  const idOf = ({ texts }: MemorySocket) =>
    /"pId":"(\w+)"/.exec(texts.find((text) => text.includes('"pId"')) ?? "")?.[1] ?? "";
  const [adaId, eveId] = [idOf(ada), idOf(eve)];
  /** Something changes, the room hibernates and wakes, and something else changes before all is sent. */
  const sleepBetween = async (before: (state: State) => void, after: (state: State) => void = () => {}) => {
    room.change(before);
    await tree.advance(60_000);
    expect([room.isIdle, room.core.handle.pendingSync]).toEqual([true, true]);
    for (const { texts } of sockets) texts.length = 0;
    await room.evict();
    await tree.advance(1000);
    room.change(after);
    await tree.advance(1000);
    expect(
      sockets.flatMap(({ texts }) => texts),
      "without applySync",
    ).toEqual([]);
    await apply();
  };
  const viewOf = ({ clients }: MemorySocket) => clients[0]?.state as Record<string, Record<string, unknown>>;
  return { room, tree, shard, apply, ada, eve, adaId, eveId, sleepBetween, viewOf };
}

describe.each(["room", "shard"] as const)("P4.9: after hibernation with unsent changes, a client at a %s", (via) => {
  it("P4.6, P4.15: gets no key of an entry that it may not see", async () => {
    const { ada, eveId, sleepBetween } = await meet(via);
    await sleepBetween(({ count }) => count.set(1));
    expect(ada.texts.join()).toContain('"count":1');
    expect(ada.texts.join()).not.toMatch(new RegExp(`trap-1|${eveId}`));
  });

  it("gets its own private fields, and loses those that were hidden", async () => {
    const { ada, adaId, sleepBetween, viewOf } = await meet(via);
    await sleepBetween(
      ({ players }) => {
        players()[adaId]?.isOpen.set(true);
        players()[adaId]?.hand.set(["king"]);
      },
      ({ players }) => players()[adaId]?.plan.set("go"),
    );
    expect(viewOf(ada)["players"]?.[adaId]).toMatchObject({ hand: ["king"], plan: "go", isOpen: true });
    await sleepBetween(({ players }) => players()[adaId]?.isOpen.set(false));
    expect(viewOf(ada)["players"]?.[adaId]).not.toHaveProperty("plan");
  });

  it("loses an entry that was removed after the room woke", async () => {
    const { ada, sleepBetween, viewOf } = await meet(via);
    expect(viewOf(ada)["chests"]).toEqual({ "chest-1": { hp: 1 } });
    await sleepBetween(
      ({ count }) => count.set(1),
      ({ chests }) => delete chests()["chest-1"],
    );
    expect(viewOf(ada)["count"]).toBe(1);
    expect(viewOf(ada)["chests"] ?? {}).toEqual({});
  });

  it("gets a new entry whole when autoSync is switched on", async () => {
    const { room, tree, ada, viewOf } = await meet(via);
    room.change(({ rocks }) => (rocks()["rock-1"] = { ...thing(), x: sync(signal(3)), y: sync(signal(4)) }));
    await tree.advance(60_000);
    await room.evict();
    await tree.advance(1000);
    room.change(() => (room.core.handle.autoSync = true));
    await tree.advance(1000);
    expect(viewOf(ada)["rocks"]).toEqual({ "rock-1": { hp: 1, x: 3, y: 4 } });
    for (const text of ada.texts) expect(text).not.toContain("null");
  });

  it("P4.11: misses no number, if only private fields had changed", async () => {
    const { room, tree, ada, adaId, sleepBetween } = await meet(via);
    const numbers = () => ada.texts.flatMap((text) => (JSON.parse(text) as { seq?: number }).seq ?? []);
    const [first = NaN] = numbers();
    await sleepBetween(({ players }) => players()[adaId]?.hand.set(["king"]));
    expect(numbers()).toEqual([]);
    await tree.advance(60_000);
    await room.evict();
    await tree.advance(1000);
    room.change(({ count }) => count.set(1));
    room.core.handle.applySync();
    await tree.advance(1000);
    expect(numbers()).toEqual([first + 1]);
  });
});

describe("P4.9, P9.10: with autoSync: false, if a shard hibernated", () => {
  it("its clients get acks at once, and changes with applySync", async () => {
    const { tree, shard, apply, ada, adaId, eve, viewOf } = await meet("shard");
    await tree.advance(60_000);
    expect(shard.isIdle).toBe(true);
    for (const { texts } of [ada, eve]) texts.length = 0;
    shard.evict();
    shard.send(ada, { action: "count", id: 1 });
    await tree.advance(5000);
    expect(ada.texts.map((text) => (JSON.parse(text) as { type: string }).type)).toEqual(["ack"]);
    expect(eve.texts).toEqual([]);
    tree.room.change(({ players }) => players()[adaId]?.y.set(7));
    await apply();
    for (const { clients } of [ada, eve]) expect(clients[0]?.state).toMatchObject({ count: 1 });
    expect(viewOf(ada)["players"]).toEqual({ [adaId]: { x: 0, y: 7, hand: ["ace"], isOpen: false } });
    expect(viewOf(eve)["players"]).not.toHaveProperty(adaId);
  });

  it("a client that joins meanwhile takes nothing from the others", async () => {
    const { tree, room, shard, apply, ada, adaId, eveId, viewOf } = await meet("shard");
    room.change(({ players }) => players()[eveId]?.x.set(5));
    await tree.advance(60_000);
    await room.evict();
    await tree.advance(1000);
    shard.connect("late", null, "protocol=2");
    await tree.advance(1000);
    expect(Object.keys(viewOf(ada)["players"] ?? {})).toEqual([adaId]);
    await apply();
    expect(viewOf(ada)["players"]).toMatchObject({ [eveId]: { x: 5 } });
    expect(Object.keys(viewOf(ada)["players"] ?? {}).length).toBe(3);
  });
});

class Walker {
  x = sync(signal(0));
  y = sync(signal(0));
  mood = sync(signal("calm"), { visibleTo: "owner" });
}
const VISIBILITIES = { all: "all", near: near({ x: "x", y: "y", radius: 100 }) } as const;

describe.each([
  ["room", "all"],
  ["room", "near"],
  ["shard", "all"],
  ["shard", "near"],
] as const)("P4.9: in a room without predicates, a client at a %s that sees %s users", (via, seen) => {
  it("gets its own fields that change after the first packet since a hibernation with unsent changes", async () => {
    const state = () => ({ walkers: users(Walker, { visibleTo: VISIBILITIES[seen] as "all" }) });
    const tree = new MemoryTree<ReturnType<typeof state>>(
      defineRoom({ path: "r", throttleSync: 0, autoSync: false, state }).compiled,
    );
    const { room } = tree;
    const shard = tree.add("s0");
    const query = "protocol=2&protocol=3&clear=1";
    const connect = async (session: string) => {
      const socket =
        via === "room" ? room.connect(session, null, undefined, query) : shard.connect(session, null, query);
      await tree.advance(100);
      return socket;
    };
    const sockets = [await connect("ada"), await connect("bob")];
    const apply = async () => {
      room.core.handle.applySync();
      await tree.advance(1000);
    };
    await apply();
    const ids = sockets.map(({ texts }) => /"pId":"(\w+)"/.exec(texts.join())?.[1] ?? "");
    const setMoods = async (...moods: string[]) => {
      room.change(({ walkers }) => moods.forEach((mood, index) => walkers()[ids[index] as string]?.mood.set(mood)));
      await tree.advance(60_000);
    };
    await setMoods("glad");
    await room.evict();
    await apply();
    await setMoods("glad", "sad");
    await apply();
    const moodsOf = ({ clients }: MemorySocket) => JSON.stringify(clients[0]?.state).match(/"mood":"\w+"/g);
    expect(sockets.map(moodsOf)).toEqual([['"mood":"glad"'], ['"mood":"sad"']]);
  });
});
