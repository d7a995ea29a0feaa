import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, persist, sync } from "../../../src/state/fields.ts";
import { near } from "../../../src/state/near.ts";
import { reference } from "../../../src/state/reference.ts";
import { byKey, sameKey } from "../../../src/state/visibility-keys.ts";
import { MemoryTree } from "../../support/memory-shards.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

/** What is inside of entries with keyed visibility is known only to those who see the entries. */

const forAll = { visibleTo: () => true };
const keyed = () => ({ visibleTo: byKey({ of: () => "k", for: () => "k" }) });

/** Gems in items in players: each in all ways in which it may be seen. */
const gem = () => ({
  weight: sync(signal(1)),
  cut: sync(signal("round"), forAll),
  price: sync(signal(5), { visibleTo: "owner" }),
  mark: sync(signal("m"), keyed()),
});
const item = () => ({
  name: sync(signal("chest")),
  gems: collection(gem),
  forAll: collection(gem, forAll),
  keyed: collection(gem, keyed()),
  own: collection(gem, { visibleTo: "owner" }),
});
class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  looks = persist(signal(0));
  hand = sync(signal(["ace"]), { visibleTo: "owner" });
  belt = { length: sync(signal(1)), colour: sync(signal("red"), forAll) };
  items = collection(item);
  forAll = collection(item, forAll);
  keyed = collection(item, keyed());
}
const PLACES = ["items", "forAll", "keyed"] as const;
const INNER = ["gems", "forAll", "keyed", "own"] as const;

function stateWith(visibleTo: ReturnType<typeof near>) {
  const players = users(Player, { visibleTo });
  const bullet = () => ({ x: sync(signal(0)), y: sync(signal(0)), by: reference(() => players()) });
  return {
    players,
    leader: reference(() => players()),
    treasure: reference(() => Object.values(players()).at(-1)?.items() ?? {}),
    bullets: collection(bullet, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }),
  };
}
type State = ReturnType<typeof stateWith>;

const PROTOCOLS = ["", "protocol=2&clear=1", "protocol=2&protocol=3&clear=1"];

/** Three clients, of all protocols: the last one stands far away. */
async function meet(via: "room" | "shard", visibleTo: ReturnType<typeof near>) {
  const tree = new MemoryTree<State>(
    defineRoom({ path: "r", throttleSync: 0, state: () => stateWith(visibleTo) }).compiled,
  );
  const shard = tree.add("s0");
  const connect = async (session: string, query: string) => {
    const socket =
      via === "room" ? await tree.room.connect(session, null, undefined, query) : shard.connect(session, null, query);
    await tree.advance(500);
    return socket;
  };
  const sockets: MemorySocket[] = [];
  for (const query of PROTOCOLS) sockets.push(await connect(`a client with ${query}`, query));
  const ids = sockets.map(({ texts }) => (JSON.parse(texts[0] as string) as { value: { pId: string } }).value.pId);
  const playerOf = (index: number) => tree.room.state.players()[ids[index] as string] as Player;
  const change = async (run: (state: State) => void) => {
    tree.room.change(run);
    await tree.advance(3000);
  };
  await change(() => {
    playerOf(1).x.set(1);
    playerOf(2).x.set(1000);
  });
  const viewOf = (index: number) =>
    (sockets[index]?.clients[0]?.state ?? {}) as Record<string, Record<string, unknown>>;
  const told = () => sockets.map(({ texts }) => texts.splice(0).join());
  told();
  return { tree, shard, connect, ids, playerOf, change, viewOf, told };
}

const PLANE = { x: "x", y: "y", radius: 100 };

describe.each(["room", "shard"] as const)("P4.15: inside of entries, at a %s", (via) => {
  it.each([
    ["near", near(PLANE)],
    ["nearest", near({ ...PLANE, nearest: 3 })],
    ["a key", sameKey<Player>((player) => Number(player.x() < 500))],
  ])("a client gets nothing of what entries that it does not see by %s contain", async (_, visibleTo) => {
    const { tree, connect, playerOf, change, viewOf, told, ids } = await meet(via, visibleTo);
    const place = (name: (typeof PLACES)[number]) => playerOf(2)[name]()["chest-1"] as ReturnType<typeof item>;
    await change(() => {
      for (const name of PLACES) {
        playerOf(2)[name]()["chest-1"] = item();
        for (const inner of INNER) place(name)[inner]()["gem-1"] = gem();
      }
    });
    const gemOf = (name: (typeof PLACES)[number], inner: (typeof INNER)[number]) => place(name)[inner]()["gem-1"];
    await change(() => {
      gemOf("items", "gems")?.cut.set("square");
      gemOf("forAll", "forAll")?.cut.set("square");
      gemOf("keyed", "keyed")?.mark.set("n");
      playerOf(2).belt.colour.set("blue");
    });
    await change(() => {
      delete place("items").gems()["gem-1"];
      delete place("forAll").forAll()["gem-1"];
      delete playerOf(2).keyed()["chest-1"];
    });
    expect(told().slice(0, 2)).toEqual(["", ""]);
    const late = await connect("late", "protocol=2");
    expect(late.texts.join()).not.toMatch(/chest-1|gem-1|square|blue/);
    await change(() => playerOf(2).x.set(2));
    const shown = { weight: 1, cut: "round", mark: "m" };
    for (const index of [0, 1]) {
      expect(viewOf(index)["players"]?.[ids[2] as string]).toEqual({
        x: 2,
        y: 0,
        belt: { length: 1, colour: "blue" },
        items: { "chest-1": { name: "chest", forAll: { "gem-1": shown }, keyed: { "gem-1": shown } } },
        forAll: { "chest-1": { name: "chest", gems: { "gem-1": shown }, keyed: { "gem-1": shown } } },
      });
    }
    expect(viewOf(2)["players"]?.[ids[2] as string]).toMatchObject({
      hand: ["ace"],
      items: { "chest-1": { own: { "gem-1": { ...shown, price: 5 } } } },
    });
    await change(() => playerOf(2).x.set(1000));
    for (const index of [0, 1]) expect(viewOf(index)["players"]).not.toHaveProperty(ids[2] as string);
    told();
    await tree.advance(60_000);
    if (tree.room.isIdle && tree.room.core.parts.shardLinks.isAcknowledged) await tree.room.evict();
    await change(() => gemOf("forAll", "gems")?.cut.set("oval"));
    expect(told()[0]).not.toMatch(/chest-1|gem-1|oval/);
  });

  it("a user who does not see the own entry gets nothing of it", async () => {
    const visibleTo = byKey<Player>({
      of: (player) => player.y(),
      for: ({ user }) => (user as Player).looks(),
      own: false,
    });
    const { playerOf, change, viewOf, told, ids } = await meet(via, visibleTo);
    await change(() => playerOf(0).y.set(7));
    told();
    await change(() => {
      playerOf(0).hand.set(["king"]);
      playerOf(0).items()["chest-1"] = item();
      playerOf(0).belt.colour.set("blue");
    });
    expect(told()).toEqual(["", "", ""]);
    await change(() => playerOf(0).looks.set(7));
    expect(viewOf(0)["players"]).toEqual({
      [ids[0] as string]: {
        x: 0,
        y: 7,
        hand: ["king"],
        belt: { length: 1, colour: "blue" },
        items: { "chest-1": { name: "chest" } },
      },
    });
    await change(() => playerOf(0).looks.set(8));
    expect(viewOf(0)).not.toHaveProperty("players");
    expect(told().slice(1)).toEqual(["", ""]);
  });

  it("P4.13: references reveal neither the entry that they are in, nor the one that they lead to", async () => {
    const { tree, playerOf, change, told, viewOf, ids } = await meet(via, near({ ...PLANE, nearest: 1 }));
    const eve = ids[2] as string;
    await change(() => playerOf(2).x.set(50));
    told();
    // Those who are near each other do not see eve, who is there too.
    await change(({ leader }) => leader.set(playerOf(2)));
    await change(({ bullets }) => {
      const bullet = () => ({ x: sync(signal(0)), y: sync(signal(0)), by: reference(() => tree.room.state.players()) });
      bullets()["bullet-1"] = bullet();
      bullets()["bullet-1"]?.by.set(playerOf(2));
      bullets()["bullet-2"] = bullet();
      bullets()["bullet-2"]?.x.set(5000);
      bullets()["bullet-2"]?.by.set(playerOf(0));
    });
    await change(({ treasure }) => {
      playerOf(2).items()["chest-1"] = item();
      treasure.set(playerOf(2).items()["chest-1"]);
    });
    const news = told();
    for (const text of news.slice(0, 2)) expect(text).not.toMatch(new RegExp(`${eve}|chest-1`));
    expect(news.join()).not.toContain("bullet-2");
    expect(viewOf(2)).toMatchObject({ leader: eve, treasure: "chest-1", bullets: { "bullet-1": { by: eve } } });
    await change(() => playerOf(1).x.set(5000));
    expect(viewOf(0)).toMatchObject({ leader: eve, treasure: "chest-1" });
    expect(viewOf(1)).not.toHaveProperty("leader");
    expect(viewOf(1)["bullets"]).not.toHaveProperty("bullet-1");
  });

  it("a packet near what is inside of an entry reaches those who see the entry", async () => {
    const { tree, playerOf, change, told } = await meet(via, near({ ...PLANE, nearest: 1 }));
    await change(() => {
      playerOf(2).x.set(50);
      playerOf(2).items()["chest-1"] = item();
      playerOf(0).items()["chest-2"] = item();
      (playerOf(0).items()["chest-2"] as ReturnType<typeof item>).own()["gem-1"] = gem();
    });
    told();
    const { handle } = tree.room.core;
    handle.broadcast({ type: "creak" }, { near: playerOf(2).items()["chest-1"] as object });
    handle.broadcast({ type: "click" }, { near: playerOf(0).items()["chest-2"] as object });
    handle.broadcast({ type: "glitter" }, { near: playerOf(0).items()["chest-2"]?.own()["gem-1"] as object });
    await tree.advance(1000);
    const news = told();
    const heard = (type: string) => news.map((text) => text.includes(type));
    expect(heard("creak")).toEqual([false, false, true]);
    expect(heard("click")).toEqual([true, true, false]);
    expect(heard("glitter")).toEqual([true, false, false]);
  });
});

describe("P4.8: what is for everyone contains nothing of an entry that not everyone sees", () => {
  const mob = () => ({
    x: sync(signal(0)),
    y: sync(signal(0)),
    items: collection(() => ({ name: sync(signal("key")) })),
  });
  const state = () => ({
    players: users(Player),
    mobs: collection(mob, { visibleTo: near(PLANE) }),
    vault: collection(mob, { visibleTo: () => false }),
    open: collection(mob),
  });
  type Mobs = "mobs" | "vault" | "open";

  it.each(["mobs", "vault", "open"] as const)("of %s", async (name) => {
    const pick = ({ state: all }: { state: ReturnType<typeof state> }) => all[name]()["m1"] as ReturnType<typeof mob>;
    const definition = defineRoom({
      path: "r",
      throttleSync: 0,
      state,
      actions: {
        entry: { run: pick },
        inside: { run: (context) => ({ list: [pick(context)], item: pick(context).items()["i1"] }) },
        all: { run: ({ state: all }) => all[name as Mobs]() },
        send: { run: (context) => context.room.broadcast({ type: "seen", value: { who: pick(context) } }) },
      },
      requests: { "GET /": { run: ({ state: all }) => all[name as Mobs]() } },
    });
    const room = new MemoryRoom<ReturnType<typeof state>>(definition.compiled);
    const socket = await room.connect("ada");
    room.change((all) => {
      all[name]()["m1"] = mob();
      (all[name]()["m1"] as ReturnType<typeof mob>).items()["i1"] = { name: sync(signal("key")) };
    });
    socket.texts.length = 0;
    const actions = ["entry", "inside", "all", "send"];
    for (const action of actions) await room.core.message(socket, JSON.stringify({ action, id: action }));
    const packets = socket.texts.map((text) => JSON.parse(text) as { type: string; value: Record<string, unknown> });
    const answer = await (await room.core.request(new Request("http://room/"), "/", null)).json();
    const results = [...packets.map(({ type, value }) => (type === "ack" ? value["result"] : value)), answer];
    const entry = { x: 0, y: 0, items: { i1: { name: "key" } } };
    expect(results).toEqual(
      name === "open"
        ? [entry, { list: [entry], item: { name: "key" } }, { m1: entry }, { who: entry }, undefined, { m1: entry }]
        : [undefined, { list: [null] }, {}, {}, undefined, {}],
    );
  });
});
