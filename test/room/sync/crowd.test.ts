import { signal } from "@signe/reactive";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { collection, persist, sync, users } from "../../../src/state/fields.ts";
import { near } from "../../../src/state/near.ts";
import { byKey, sameKey } from "../../../src/state/visibility-keys.ts";
import { EVERYTHING } from "../../../src/state/key-rules.ts";
import { expectedView, withoutEmpty } from "../../../src/testing/expected-view.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";
import { MemoryTree } from "../../support/memory-shards.ts";
import { ResumingClient } from "./resuming-client.ts";

const RADIUS = 100;

class Player {
  x = sync(signal(500));
  y = sync(signal(500));
  name = sync(signal("somebody"));
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
  team = persist(signal("red"));
}
const unit = () => ({
  hp: sync(signal(10)),
  zone: persist(signal<string[]>([])),
  x: sync(signal(0)),
  y: sync(signal(0)),
});
const mob = () => ({ x: sync(signal(500)), y: sync(signal(500)), hp: sync(signal(1)) });

const state = () => ({
  count: sync(signal(0)),
  players: users(Player, { visibleTo: near({ x: "x", y: "y", radius: RADIUS }) }),
  units: collection(unit, {
    visibleTo: byKey<ReturnType<typeof unit>>({
      of: (entry) => entry.zone(),
      for: ({ user, auth }) => (auth?.["gm"] === true ? EVERYTHING : (user as Player | undefined)?.team()),
    }),
  }),
  mobs: collection(mob, { visibleTo: near({ x: "x", y: "y", radius: RADIUS }) }),
});
type State = ReturnType<typeof state>;

/** A client of either protocol, with all that it was ever sent. */
class Watcher {
  readonly session: string;
  readonly auth: Readonly<Record<string, unknown>> | null;
  readonly client = new ResumingClient();
  socket: MemorySocket | undefined;
  #checked = 0;

  constructor(session: string, isGm: boolean) {
    this.session = session;
    this.auth = isGm ? { gm: true } : null;
  }

  read(): void {
    this.client.read();
  }

  /** The packets since the last time. */
  news(): string {
    const texts = this.socket?.texts ?? [];
    const text = texts.slice(this.#checked).join("\n");
    this.#checked = texts.length;
    return text;
  }

  connected(socket: MemorySocket): void {
    this.socket = socket;
    this.#checked = 0;
    this.client.connected(socket);
  }
}

interface Placed {
  x(): number;
  y(): number;
}

function positionsOf(entries: Readonly<Record<string, Placed>>): [string, number, number][] {
  return Object.entries(entries).map(([key, placed]) => [key, placed.x(), placed.y()]);
}

/** What a watcher has is what it may see: all that is near, nothing that is far, and each as it is. */
function check(room: MemoryRoom<State>, watcher: Watcher): void {
  const { client } = watcher;
  const user = room.state.players()[client.publicId];
  if (!user) return;
  const viewer = { publicId: client.publicId, auth: watcher.auth, user };
  const truth = expectedView(room.state, viewer) as Record<string, unknown>;
  const view = withoutEmpty(client.state) as Record<string, Record<string, unknown>>;
  expect(view["count"]).toBe(truth["count"]);
  expect(view["units"]).toEqual(truth["units"]);
  for (const name of ["players", "mobs"] as const) {
    const seen = view[name] ?? {};
    for (const [key, x, y] of positionsOf(room.state[name]())) {
      const distance = Math.hypot(x - user.x(), y - user.y());
      if (distance <= RADIUS) expect(Object.keys(seen), `${name} ${key} at ${distance}`).toContain(key);
      if (distance > 1.5 * RADIUS && key !== client.publicId)
        expect(Object.keys(seen), `${name} ${key} at ${distance}`).not.toContain(key);
    }
    for (const [key, entry] of Object.entries(seen)) {
      const real = room.state[name]()[key] as Player | undefined;
      expect(real, `${name} ${key} is there`).toBeDefined();
      expect(entry).toMatchObject({ x: real?.x(), y: real?.y() });
      if (name === "players") expect("hand" in (entry as object) ? key : client.publicId).toBe(client.publicId);
    }
  }
}

/** The keys of entries that a watcher may be told of. */
function mayKnow(room: MemoryRoom<State>, { client, auth }: Watcher): string[] {
  const user = room.state.players()[client.publicId];
  if (!user) return [client.publicId];
  const isNear = ([, x, y]: [string, number, number]) => Math.hypot(x - user.x(), y - user.y()) <= 1.5 * RADIUS;
  const units = Object.entries(room.state.units()).filter(([, { zone }]) => auth || zone().includes(user.team()));
  const nearby = (["players", "mobs"] as const).flatMap((name) => positionsOf(room.state[name]()).filter(isNear));
  return [client.publicId, ...units.map(([key]) => key), ...nearby.map(([key]) => key)];
}

type Step =
  | { kind: "walk" | "teleport" | "mob"; who: number; dx: number; dy: number }
  | { kind: "team"; who: number; team: string }
  | { kind: "unit"; who: number; zone: string[] | undefined }
  | { kind: "kill" | "come" | "go" | "hand"; who: number }
  | { kind: "evict" | "crash" | "count" };

const who = fc.nat({ max: 4 });
const near5 = fc.integer({ min: -40, max: 40 });
const far = fc.integer({ min: 0, max: 1000 });
const step = fc.oneof<fc.MaybeWeightedArbitrary<Step>[]>(
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constantFrom("walk" as const, "mob" as const), who, dx: near5, dy: near5 }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("teleport" as const), who, dx: far, dy: far }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("team" as const), who, team: fc.constantFrom("a", "b") }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("unit" as const),
      who,
      zone: fc.constantFrom<string[] | undefined>(["a"], ["b"], ["a", "b"], [], undefined),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("kill" as const, "come" as const, "go" as const, "hand" as const),
      who,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ kind: "evict" as const }, { kind: "crash" as const }, { kind: "count" as const }),
  },
);

function change(state: State, next: Step, playerOf: (who: number) => Player | undefined): void {
  switch (next.kind) {
    case "walk": {
      const player = playerOf(next.who);
      player?.x.update((x) => x + next.dx);
      player?.y.update((y) => y + next.dy);
      return;
    }
    case "teleport":
      playerOf(next.who)?.x.set(next.dx);
      playerOf(next.who)?.y.set(next.dy);
      return;
    case "mob": {
      const key = `mob-${next.who}`;
      const known = state.mobs()[key];
      if (!known) state.mobs()[key] = mob();
      state.mobs()[key]?.x.update((x) => x + next.dx);
      state.mobs()[key]?.hp.update((hp) => hp + 1);
      return;
    }
    case "team":
      playerOf(next.who)?.team.set(next.team);
      return;
    case "unit": {
      const key = `unit-${next.who}`;
      if (next.zone === undefined) delete state.units()[key];
      else if (state.units()[key]) state.units()[key]?.zone.set(next.zone);
      else state.units()[key] = Object.assign(unit(), { zone: persist(signal<string[]>(next.zone)) });
      state.units()[key]?.hp.update((hp) => hp + 1);
      return;
    }
    case "kill":
      delete state.mobs()[`mob-${next.who}`];
      return;
    case "hand":
      playerOf(next.who)?.hand.update((hand) => [...hand, "ace"]);
      return;
    case "count":
      state.count.update((count) => count + 1);
      return;
    default:
  }
}

describe("P4.15: entries that are seen by keys", () => {
  it("each client has what it may see, however entries and viewers move", async () => {
    let [tells, hidden] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 60 }),
        fc.constantFrom(0, 50),
        async (steps, throttleSync) => {
          const room = new MemoryRoom<State>(defineRoom({ path: "r", throttleSync, state }).compiled);
          const watchers = [0, 1, 2, 3, 4].map((index) => new Watcher(`s${index}`, index === 4));
          const come = async (watcher: Watcher) => {
            if (watcher.socket?.isOpen) return;
            watcher.connected(await room.connect(watcher.session, watcher.auth, undefined, watcher.client.query));
          };
          for (const watcher of watchers.slice(0, 3)) await come(watcher);
          const playerOf = (index: number) => room.state.players()[watchers[index]?.client.publicId ?? ""];
          for (const next of steps) {
            for (const watcher of watchers) watcher.read();
            const known = watchers.map((each) => new Set(mayKnow(room, each)));
            const watcher = "who" in next ? (watchers[next.who] as Watcher) : undefined;
            if (next.kind === "evict") await room.evict();
            else if (next.kind === "crash") room.crash();
            else if (next.kind === "come" && watcher) await come(watcher);
            else if (next.kind === "go" && watcher?.socket?.isOpen) room.disconnect(watcher.socket);
            else room.change((state) => change(state, next, playerOf));
            if (throttleSync > 0) {
              if (next.kind === "walk") await room.advance(30);
              continue;
            }
            const names = [
              ...Object.keys(room.state.players()),
              ...[0, 1, 2, 3, 4].flatMap((n) => [`mob-${n}`, `unit-${n}`]),
            ];
            for (const [index, each] of watchers.entries()) {
              const news = each.news();
              each.read();
              for (const key of mayKnow(room, each)) known[index]?.add(key);
              const told = names.filter((name) => news.includes(`"${name}"`));
              for (const name of told) {
                expect([...(known[index] ?? [])], `${next.kind}: ${each.session} is told of ${name}`).toContain(name);
                tells++;
              }
              hidden += names.length - told.length;
            }
          }
          room.change(({ count }) => count.update((value) => value + 1));
          await room.advance(2000);
          for (const watcher of watchers) {
            if (!watcher.socket?.isOpen) continue;
            watcher.read();
            check(room, watcher);
          }
        },
      ),
      { numRuns: 200 },
    );
    expect(tells).toBeGreaterThan(1000);
    expect(hidden).toBeGreaterThan(1000);
  });

  it("each client at a shard has what it may see", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const tree = new MemoryTree<State>(defineRoom({ path: "r", throttleSync: 50, state }).compiled);
        const { room } = tree;
        const shards = [tree.add("s0"), tree.add("s1")] as const;
        const watchers = [0, 1, 2, 3, 4].map((index) => new Watcher(`s${index}`, index === 4));
        const shardOf = (watcher: Watcher) => shards[watchers.indexOf(watcher) % 2] as (typeof shards)[number];
        const come = (watcher: Watcher) => {
          if (watcher.socket?.isOpen) return;
          watcher.connected(shardOf(watcher).connect(watcher.session, watcher.auth, watcher.client.query));
        };
        for (const watcher of watchers.slice(0, 3)) come(watcher);
        await tree.advance(500);
        const playerOf = (index: number) => room.state.players()[watchers[index]?.client.publicId ?? ""];
        for (const next of steps) {
          for (const watcher of watchers) watcher.read();
          const watcher = "who" in next ? (watchers[next.who] as Watcher) : undefined;
          if (next.kind === "crash") room.crash();
          else if (next.kind === "come" && watcher) come(watcher);
          else if (next.kind === "go" && watcher?.socket?.isOpen) shardOf(watcher).disconnect(watcher.socket);
          else if (next.kind !== "evict" && !room.core.started) room.change((state) => change(state, next, playerOf));
          if (next.kind !== "walk") await tree.advance(60);
        }
        await tree.advance(5000);
        room.change(({ count }) => count.update((value) => value + 1));
        await tree.advance(5000);
        for (const watcher of watchers) {
          if (!watcher.socket?.isOpen) continue;
          watcher.read();
          check(room, watcher);
        }
      }),
      { numRuns: 40 },
    );
  });

  async function arena() {
    const room = new MemoryRoom<State>(defineRoom({ path: "r", throttleSync: 0, state }).compiled);
    const [ada, bob, eve] = [new Watcher("ada", false), new Watcher("bob", false), new Watcher("eve", false)];
    for (const watcher of [ada, bob, eve]) {
      watcher.connected(await room.connect(watcher.session, null, undefined, watcher.client.query));
      watcher.read();
    }
    const playerOf = ({ client }: Watcher) => room.state.players()[client.publicId] as Player;
    room.change(() => playerOf(eve).x.set(5000));
    for (const watcher of [ada, bob, eve]) watcher.news();
    return { room, ada, bob, eve, playerOf };
  }

  it("a client is told of nobody whom it does not see, not even that they left", async () => {
    const { room, ada, bob, eve, playerOf } = await arena();
    room.change(() => playerOf(bob).name.set("Bob"));
    expect([ada.news(), eve.news()].map((news) => news.includes("Bob"))).toEqual([true, false]);
    room.disconnect(bob.socket as MemorySocket);
    expect([ada.news(), eve.news()].map((news) => news.includes("user_disconnected"))).toEqual([true, false]);
  });

  it("a packet reaches those who see an entry, or who have a key", async () => {
    const { room, ada, bob, eve, playerOf } = await arena();
    room.core.handle.broadcast({ type: "shot" }, { near: playerOf(ada) });
    expect([ada, bob, eve].map((watcher) => watcher.news().includes("shot"))).toEqual([true, true, false]);
    room.change(() => playerOf(eve).team.set("blue"));
    room.core.handle.broadcast({ type: "orders" }, { keys: "blue" });
    expect([ada, bob, eve].map((watcher) => watcher.news().includes("orders"))).toEqual([false, false, true]);
    expect(() => room.core.handle.broadcast({ type: "shot" }, { near: new Player() })).toThrow(/entry of the state/);
  });

  it("where what a key is made of is no field, a change of it is sent all the same", async () => {
    const { room, ada, playerOf } = await arena();
    room.change((state) => (state.units()["u"] = Object.assign(unit(), { zone: persist(signal(["blue"])) })));
    expect(ada.news()).toBe("");
    room.change(() => playerOf(ada).team.set("blue"));
    expect(ada.news()).toContain('"units":{"u":{"hp":10');
    room.change((state) => state.units()["u"]?.zone.set([]));
    expect(ada.news()).toContain('"units":{"u":"$delete"}');
  });

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

  it("a field, and a collection inside of an entry, may be seen by keys too", async () => {
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

  it("what cannot work is refused with what to write", () => {
    expect(() => byKey({} as never)).toThrow(/byKey\(\{ of/);
    expect(() => near({ x: "x", y: "y", radius: 0 })).toThrow(/radius above 0/);
    expect(() => near({ x: 1 as never, y: "y", radius: 1 })).toThrow(/names of fields/);
  });
});
