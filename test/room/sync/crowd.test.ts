import { signal } from "@signe/reactive";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, persist, sync } from "../../../src/state/fields.ts";
import { near } from "../../../src/state/near.ts";
import { byKey, sameKey } from "../../../src/state/visibility-keys.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";
import { withSeed } from "../../support/seeded-crypto.ts";
import {
  checkView,
  clientState,
  crowdState,
  crowdStep,
  LENGTH,
  perform,
  Player,
  Secrecy,
  unit,
  USERS_SEEN,
  Watcher,
} from "./crowd-world.ts";
import type { CrowdState, UsersSeen } from "./crowd-world.ts";

/** The protocols of the clients. */
const PROTOCOLS = [3, 2, 3, 1, 3] as const;

/** The steps after which something may be sent with manual sync. */
const BY_HAND = new Set(["apply", "by hand", "automatic"]);

const seenBy = fc.constantFrom(...(Object.keys(USERS_SEEN) as UsersSeen[]));

/** A history of a room, and all that decides what happens in it. */
const history = fc.record({
  steps: fc.array(crowdStep, { minLength: 5, maxLength: LENGTH.steps ?? 60 }),
  throttleSync: fc.constantFrom(0, 50),
  seen: seenBy,
  seed: fc.nat(),
});
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

/** A user in the farther ring of another one moves for the first time, and leaves before that change was sent. */
const FOUND: History = {
  steps: [
    { kind: "teleport", who: 2, dx: 195, dy: 377, dz: 0 },
    { kind: "walk", who: 0, dx: 0, dy: 0, dz: 1 },
    { kind: "teleport", who: 0, dx: 0, dy: 0, dz: 0 },
  ],
  throttleSync: 0,
  seen: "rings",
  seed: 0,
};

/** Runs a history. @returns the clients, after everything was sent */
async function live({ steps, throttleSync, seen }: History, secrecy: Secrecy): Promise<readonly Watcher[]> {
  const state = () => crowdState(seen);
  const room = new MemoryRoom<CrowdState>(defineRoom({ path: "r", throttleSync, state }).compiled);
  room.clientInstance = clientState;
  const watchers = [0, 1, 2, 3, 4].map((index) => new Watcher(`s${index}`, index === 4, PROTOCOLS[index]));
  const come = async (watcher: Watcher) => {
    if (watcher.socket?.isOpen) return;
    watcher.connected(await room.connect(watcher.session, watcher.auth, undefined, watcher.query, watcher.binary));
  };
  for (const watcher of watchers.slice(0, 3)) await come(watcher);
  const playerOf = (index: number) => room.state.players()[watchers[index]?.client.publicId ?? ""];
  for (const next of steps) {
    const { autoSync, pendingSync } = room.core.handle;
    secrecy.before(room.state, watchers, seen, !autoSync && pendingSync);
    const before = watchers.map(({ received }) => received);
    const watcher = "who" in next ? (watchers[next.who] as Watcher) : undefined;
    if (next.kind === "evict") await room.evict();
    else if (next.kind === "crash") room.crash();
    else if (next.kind === "come" && watcher) await come(watcher);
    else if (next.kind === "go" && watcher?.socket?.isOpen) room.disconnect(watcher.socket);
    else perform(room, next, playerOf);
    if (throttleSync === 0) secrecy.after(room.state, watchers, seen, next.kind);
    else if (next.kind === "walk") await room.advance(30);
    if (next.kind === "manual" || !(autoSync || BY_HAND.has(next.kind)))
      expect(
        watchers.map(({ received }) => received),
        `${next.kind} with manual sync`,
      ).toEqual(before);
  }
  room.change(({ count }) => {
    room.core.handle.autoSync = true;
    count.update((value) => value + 1);
  });
  await room.advance(2000);
  for (const watcher of watchers) {
    if (!watcher.socket?.isOpen) continue;
    watcher.read();
    checkView(room.state, watcher, seen);
  }
  return watchers;
}

describe("P4.15: entries with keyed visibility", () => {
  it(
    "each client has what it may see, however entries and viewers move",
    async () => {
      const secrecy = new Secrecy();
      await fc.assert(
        fc.asyncProperty(history, (one) => withSeed(one.seed, async () => void (await live(one, secrecy)))),
        { numRuns: 200, examples: [[FOUND]], ...LENGTH.runs },
      );
      expect(secrecy.tells).toBeGreaterThan(LENGTH.runs.path ? 0 : 1000);
      expect(secrecy.hidden).toBeGreaterThan(LENGTH.runs.path ? 0 : 1000);
    },
    LENGTH.timeout,
  );

  it("a history can be repeated: the same one gives the same frames", async () => {
    const framesOf = (one: History) =>
      withSeed(one.seed, async () => (await live(one, new Secrecy())).map(({ socket }) => socket?.frames));
    await fc.assert(
      fc.asyncProperty(history, async (one) => {
        expect(await framesOf(one)).toEqual(await framesOf(one));
      }),
      { numRuns: 5 },
    );
  });

  async function arena() {
    const room = new MemoryRoom<CrowdState>(
      defineRoom({ path: "r", throttleSync: 0, state: () => crowdState() }).compiled,
    );
    const [ada, bob, eve] = [new Watcher("ada", false), new Watcher("bob", false), new Watcher("eve", false)];
    for (const watcher of [ada, bob, eve]) {
      watcher.connected(await room.connect(watcher.session, null, undefined, watcher.query, watcher.binary));
      watcher.read();
    }
    const playerOf = ({ client }: Watcher) => room.state.players()[client.publicId] as Player;
    room.change(() => playerOf(eve).x.set(5000));
    for (const watcher of [ada, bob, eve]) watcher.news();
    return { room, ada, bob, eve, playerOf };
  }

  it("a client gets nothing about entries that it does not see, not even that they left", async () => {
    const { room, ada, bob, eve, playerOf } = await arena();
    room.change(() => playerOf(bob).name.set("Bob"));
    expect([ada.news(), eve.news()].map((news) => news.includes("Bob"))).toEqual([true, false]);
    room.disconnect(bob.socket as MemorySocket);
    expect([ada.news(), eve.news()].map((news) => news.includes("user_disconnected"))).toEqual([true, false]);
  });

  it("a packet reaches clients that see an entry, or that have a key", async () => {
    const { room, ada, bob, eve, playerOf } = await arena();
    room.core.handle.broadcast({ type: "shot" }, { near: playerOf(ada) });
    expect([ada, bob, eve].map((watcher) => watcher.news().includes("shot"))).toEqual([true, true, false]);
    room.change(() => playerOf(eve).team.set("blue"));
    room.core.handle.broadcast({ type: "orders" }, { keys: "blue" });
    expect([ada, bob, eve].map((watcher) => watcher.news().includes("orders"))).toEqual([false, false, true]);
    expect(() => room.core.handle.broadcast({ type: "shot" }, { near: new Player() })).toThrow(/entry of the state/);
  });

  it("a packet for an entry that is gone, or for no key, reaches nobody", async () => {
    const { room, ada, bob, eve, playerOf } = await arena();
    const { handle } = room.core;
    const shot = { type: "shot" };
    const gone = room.state.players()["gone"] as Player;
    const plain = new MemoryRoom<{ players: () => Record<string, Player> }>(
      defineRoom({ path: "r", throttleSync: 0, state: () => ({ players: users(Player) }) }).compiled,
    );
    const socket = await plain.connect("ada");
    for (const one of [handle, plain.core.handle]) {
      expect(() => one.broadcast(shot, { near: gone })).toThrow(/near has to be an entry of the state/);
      expect(() => one.broadcast(shot, { near: playerOf(ada), keys: { red: 1 } as never })).toThrow();
    }
    for (const keys of [undefined, null, []]) handle.broadcast(shot, { keys: keys as never });
    for (const keys of [NaN, {}, [undefined], true, Promise.resolve("red")])
      expect(() => handle.broadcast(shot, { keys: keys as never })).toThrow(
        /A key .* has to be a string or a finite number/,
      );
    expect(() => plain.core.handle.broadcast(shot, { keys: undefined as never })).toThrow(/keys needs a collection/);
    expect([ada, bob, eve].map((watcher) => watcher.news())).toEqual(["", "", ""]);
    expect(socket.texts.join()).not.toContain("shot");
  });

  it("a packet for keys is refused in a room with near only", async () => {
    const players = () => ({ players: users(Player, { visibleTo: near({ x: "x", y: "y", radius: 1 }) }) });
    const room = new MemoryRoom(defineRoom({ path: "r", throttleSync: 0, state: players }).compiled);
    expect(() => room.core.handle.broadcast({ type: "x" }, { keys: "red" })).toThrow(/keys needs a collection/);
  });

  it("without keyed visibility, a packet near an entry reaches its viewers, and keys are refused", async () => {
    const hidden = () => ({
      players: users(Player),
      traps: collection(() => ({ hp: sync(signal(1)) }), { visibleTo: ({ auth }) => auth?.["gm"] === true }),
    });
    const room = new MemoryRoom<ReturnType<typeof hidden>>(
      defineRoom({ path: "r", throttleSync: 0, state: hidden }).compiled,
    );
    const [ada, gm] = [await room.connect("ada"), await room.connect("gm", { gm: true })];
    room.change(({ traps }) => (traps()["t"] = { hp: sync(signal(1)) }));
    const [player] = Object.values(room.state.players());
    room.core.handle.broadcast({ type: "shot" }, { near: player as Player });
    room.core.handle.broadcast({ type: "click" }, { near: room.state.traps()["t"] as object });
    const heard = (type: string) => [ada, gm].map(({ texts }) => texts.join("").includes(`"type":"${type}"`));
    expect([heard("shot"), heard("click")]).toEqual([
      [true, true],
      [false, true],
    ]);
    expect(() => room.core.handle.broadcast({ type: "x" }, { keys: "red" })).toThrow(/keys needs a collection/);
  });

  it("a field with a predicate becomes visible together with its entry", async () => {
    const { room, ada, eve, playerOf } = await arena();
    room.change(() => playerOf(eve).x.set(500));
    expect(ada.news()).toContain('"plan":"wait"');
    room.change(() => playerOf(eve).x.set(5000));
    ada.read();
    expect(Object.keys(ada.client.state["players"] as object)).not.toContain(eve.client.publicId);
  });

  it("a key that is not computed from fields is followed too", async () => {
    const { room, ada, playerOf } = await arena();
    room.change((state) => (state.units()["u"] = { ...unit(), zone: persist(signal(["blue"])) }));
    expect(ada.news()).toBe("");
    room.change(() => playerOf(ada).team.set("blue"));
    expect(ada.news()).toContain('"units":{"u":{"hp":10');
    room.change((state) => state.units()["u"]?.zone.set([]));
    expect(ada.news()).toContain('"units":{"u":"$delete"}');
  });

  it.each([0, 50])(
    "an entry that another one with the same values replaces is seen by the keys of that one, with throttleSync %d",
    async (throttleSync) => {
      const state = () => crowdState();
      const room = new MemoryRoom<CrowdState>(defineRoom({ path: "r", throttleSync, state }).compiled);
      const ada = new Watcher("ada", false);
      ada.connected(await room.connect("ada", null, undefined, "protocol=2"));
      const put = async (zone: string) => {
        room.change(({ units }) => {
          delete units()["u"];
          units()["u"] = { ...unit(), zone: persist(signal([zone])) };
        });
        await room.advance(1000);
        return ada.news();
      };
      await put("blue");
      expect(await put("red")).toContain('"u":{"hp":10');
      expect(await put("red")).toBe("");
      expect(await put("blue")).toContain('"u":"$delete"');
      room.change(({ units }) => units()["u"]?.zone.set(["red"]));
      await room.advance(1000);
      expect(ada.news()).toContain('"u":{"hp":10');
    },
  );

  it.each([
    ["sameKey", sameKey<Player>((player) => player.team()), 2],
    ["a camera", near({ x: "x", y: "y", radius: 10, from: () => ({ x: 500, y: 500 }) }), 3],
    ["nobody's keys", byKey<Player>({ of: () => [], for: () => "a" }), 1],
    [
      "a function that throws",
      byKey<Player>({
        of: () => "a",
        for: () => {
          throw new Error("for");
        },
      }),
      1,
    ],
    ["own entries only if they share a key", byKey<Player>({ of: () => [], for: () => "a", own: false }), 0],
  ])("users are seen by %s", async (_, visibleTo, seen) => {
    const make = () => ({ players: users(Player, { visibleTo }) });
    const room = new MemoryRoom<ReturnType<typeof make>>(
      defineRoom({ path: "r", throttleSync: 0, state: make }).compiled,
    );
    const watchers = [new Watcher("a", false), new Watcher("b", false), new Watcher("c", false)];
    for (const watcher of watchers)
      watcher.connected(await room.connect(watcher.session, null, undefined, "protocol=2"));
    for (const watcher of watchers) watcher.read();
    const [first] = watchers as [Watcher];
    const team = (name: string) =>
      room.change(({ players }) => players()[watchers[2]?.client.publicId ?? ""]?.team.set(name));
    team("blue");
    first.read();
    expect(Object.keys(first.client.state["players"] ?? {}).length).toBe(seen);
  });

  it("a field, and a collection inside of an entry, may have keyed visibility too", async () => {
    const item = () => ({ name: sync(signal("sword")), team: persist(signal("red")) });
    class Owner {
      team = persist(signal("red"));
      plan = sync(signal("attack"), {
        visibleTo: byKey<Owner>({ of: (owner) => owner.team(), for: ({ user }) => (user as Owner).team() }),
      });
      items = collection(item, {
        visibleTo: byKey<ReturnType<typeof item>>({
          of: (one) => one.team(),
          for: ({ user }) => (user as Owner).team(),
        }),
      });
    }
    const make = () => ({ owners: users(Owner) });
    const room = new MemoryRoom<ReturnType<typeof make>>(
      defineRoom({ path: "r", throttleSync: 0, state: make }).compiled,
    );
    const [ada, bob] = [new Watcher("ada", false), new Watcher("bob", false)];
    for (const watcher of [ada, bob])
      watcher.connected(await room.connect(watcher.session, null, undefined, "protocol=2"));
    for (const watcher of [ada, bob]) watcher.read();
    const ownerOf = ({ client }: Watcher) => room.state.owners()[client.publicId] as Owner;
    room.change(() => {
      ownerOf(bob).team.set("blue");
      ownerOf(ada).items()["i"] = item();
      ownerOf(ada).plan.set("wait");
    });
    for (const watcher of [ada, bob]) watcher.read();
    const viewOf = (watcher: Watcher) =>
      (watcher.client.state["owners"] as Record<string, unknown>)[ada.client.publicId];
    expect(viewOf(ada)).toEqual({ plan: "wait", items: { i: { name: "sword" } } });
    expect(viewOf(bob)).toEqual({ items: {} });
  });

  it("impossible uses are refused with what to write", () => {
    expect(() => byKey({} as never)).toThrow(/byKey\(\{ of/);
    expect(() => near({ x: "x", y: "y", radius: 0 })).toThrow(/radius above 0/);
    expect(() => near({ x: 1 as never, y: "y", radius: 1 })).toThrow(/names of fields/);
  });
});
