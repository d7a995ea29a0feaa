import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, persist, sync } from "../../../src/state/fields.ts";
import type { KeyedVisibility } from "../../../src/state/field.ts";
import { near } from "../../../src/state/near.ts";
import { byKey, sameKey } from "../../../src/state/visibility-keys.ts";
import { MemoryTree } from "../../support/memory-shards.ts";
import type { MemorySocket } from "../../support/memory.ts";

/** Odd answers of the functions and fields that decide who sees what. */

let ready = signal(false);
function wait<T>(value: T): T {
  if (!ready()) throw new Error("not ready");
  return value;
}
const trap = () => ({
  x: sync(signal<unknown>(0)),
  y: sync(signal<unknown>(0)),
  team: persist(signal<unknown>("red")),
});
type Trap = ReturnType<typeof trap>;
class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  team = persist(signal<unknown>("red"));
}
const stateWith = (visibleTo: KeyedVisibility) => ({
  ready: persist((ready = signal(false))),
  players: users(Player),
  traps: collection(trap, { visibleTo }),
});
type State = ReturnType<typeof stateWith>;

/** Two users, one of whom is at a shard, and a trap. */
async function meet(visibleTo: KeyedVisibility) {
  const errors: string[] = [];
  const onError = ({ error }: { error: unknown }) => void errors.push((error as Error).message);
  const tree = new MemoryTree<State>(
    defineRoom({ path: "r", throttleSync: 0, state: () => stateWith(visibleTo), onError }).compiled,
  );
  const shard = tree.add("s0");
  const sockets: MemorySocket[] = [await tree.room.connect("ada"), shard.connect("bob")];
  await tree.advance(1000);
  const change = async (run: (state: State) => void) => {
    tree.room.change(run);
    await tree.advance(2000);
  };
  const seen = () =>
    sockets.map(({ clients }) => Object.keys((clients[0]?.state as { traps?: object } | undefined)?.traps ?? {}));
  const trapOf = () => tree.room.state.traps()["t"] as Trap;
  await change(({ traps }) => (traps()["t"] = trap()));
  return { tree, sockets, errors, change, seen, trapOf };
}

describe("P4.15: functions of keyed visibility", () => {
  it.each([
    ["of", byKey({ of: () => wait("a"), for: () => "a" })],
    ["for", byKey({ of: () => "a", for: () => wait("a") })],
    ["from", near({ x: "x", y: "y", radius: 10, from: () => wait({ x: 0, y: 0 }) })],
  ])("%s that threw runs again when a signal changes that it read", async (_, visibleTo) => {
    const { change, seen, errors } = await meet(visibleTo);
    expect(seen()).toEqual([[], []]);
    expect(new Set(errors)).toEqual(new Set(["not ready"]));
    await change((state) => state.ready.set(true));
    expect(seen()).toEqual([["t"], ["t"]]);
    await change((state) => state.ready.set(false));
    expect(seen()).toEqual([[], []]);
    await change((state) => state.ready.set(true));
    expect(seen()).toEqual([["t"], ["t"]]);
  });

  const rejects = async () => Promise.reject(new Error("lost"));
  it.each([
    ["of", byKey({ of: (async () => "a") as never, for: () => "a" })],
    ["of that rejects", byKey({ of: rejects as never, for: () => "a" })],
    ["for", byKey({ of: () => "a", for: (async () => "a") as never })],
    ["from", near({ x: "x", y: "y", radius: 10, from: (async () => ({ x: 0, y: 0 })) as never })],
  ])("async %s is reported, and shows nothing", async (_, visibleTo) => {
    const { seen, errors } = await meet(visibleTo);
    expect(seen()).toEqual([[], []]);
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) expect(error).toMatch(/visibleTo function cannot be async/);
  });

  it.each([[NaN], [Infinity], [-Infinity], [[undefined]], [[null]], [[NaN]], [{}], [true], [["red", Symbol("red")]]])(
    "a key %o is refused: it never equals another one",
    async (key) => {
      const visibleTo = byKey<Trap>({
        of: ({ team }) => (team() === "odd" ? key : team()) as never,
        for: ({ user }) => ((user as Player).team() === "odd" ? key : (user as Player).team()) as never,
      });
      const { tree, change, seen, trapOf, errors } = await meet(visibleTo);
      expect(seen()).toEqual([["t"], ["t"]]);
      await change(() => trapOf().team.set("odd"));
      expect(seen()).toEqual([[], []]);
      await change(() => {
        for (const player of Object.values(tree.room.state.players())) player.team.set("odd");
      });
      expect(seen()).toEqual([[], []]);
      expect(errors.length).toBeGreaterThan(0);
      await change(() => {
        trapOf().team.set("red");
        for (const player of Object.values(tree.room.state.players())) player.team.set("red");
      });
      expect(seen()).toEqual([["t"], ["t"]]);
    },
  );

  it("different keys are never the same, whatever texts they are", async () => {
    const keys = [
      "__proto__",
      "everything",
      "nobody",
      "[]",
      "",
      "\ud800",
      "1",
      1,
      "null",
      "a,b",
      '"',
      0,
      1e21,
      "1e+21",
    ];
    const visibleTo = byKey<Trap>({
      of: ({ team }) => team() as string,
      for: ({ user }) => (user as Player).team() as string,
    });
    const { tree, change, seen, trapOf } = await meet(visibleTo);
    const [ada, bob] = Object.values(tree.room.state.players()) as [Player, Player];
    for (const [index, key] of keys.entries()) {
      await change(() => {
        trapOf().team.set(key);
        ada.team.set(key);
        bob.team.set(keys.at(index - 1));
      });
      expect(seen(), String(key)).toEqual([["t"], []]);
    }
  });
});

describe("P4.15: near", () => {
  it.each([
    ["near", near({ x: "x", y: "y", radius: 10 })],
    ["the nearest", near({ x: "x", y: "y", radius: 10, nearest: 1 })],
  ])("by %s, what is not a number is no position, and stays none after hibernation", async (_, visibleTo) => {
    const { tree, change, seen, trapOf, sockets } = await meet(visibleTo);
    for (const odd of [NaN, null, "0", true, [0], Infinity, 1e300]) {
      await change(() => trapOf().y.set(odd));
      expect(seen(), String(odd)).toEqual([[], []]);
      await tree.advance(60_000);
      expect(tree.room.isIdle).toBe(true);
      await tree.room.evict();
      for (const { texts } of sockets) texts.length = 0;
      await change(() => trapOf().team.set("blue"));
      await change(() => trapOf().x.update((x) => Number(x) + 1));
      expect(
        sockets.map(({ texts }) => texts.join()),
        String(odd),
      ).toEqual(["", ""]);
      await change(() => {
        trapOf().x.set(0);
        trapOf().y.set(0);
      });
      expect(seen(), String(odd)).toEqual([["t"], ["t"]]);
    }
  });
});

describe("fields with keyed visibility", () => {
  it("are the same in each entry, if their code is", async () => {
    const chest = (of: () => string = () => "a") => ({
      lid: sync(signal("shut"), { visibleTo: byKey({ of, for: ({ auth }) => String(auth?.["key"]) }) }),
      lock: sync(signal("iron"), { visibleTo: sameKey<Player>((owner) => owner.x()) }),
      dust: sync(signal("much"), { visibleTo: near({ x: "x", y: "y", radius: 1 }) }),
    });
    const chests = () => ({ players: users(Player), chests: collection(() => chest()) });
    const tree = new MemoryTree<ReturnType<typeof chests>>(
      defineRoom({ path: "r", throttleSync: 0, state: chests }).compiled,
    );
    const put = (one: ReturnType<typeof chest>) => tree.room.change((state) => (state.chests()["c"] = one));
    put(chest());
    expect(() => put(chest(() => "b"))).toThrow(/"lid" is marked differently/);
    expect(() => put({ ...chest(), lock: chest().lid })).toThrow(/"lock" is marked differently/);
    const wider = sync(signal("much"), { visibleTo: near({ x: "x", y: "y", radius: 2 }) });
    expect(() => put({ ...chest(), dust: wider })).toThrow(/"dust" is marked differently/);
  });
});
