import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Connection } from "../../src/define/types.ts";
import { users } from "../../src/app/users.ts";
import { collection, id, sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";

const WORLD = { name: "a constant of the module" };

class Player {
  id = id();
  x = sync(signal(0));
  cache = signal(0);
  pos = { y: sync(signal(0)) };
  speed = 5;
  path: number[] = [];
  self = this;
  world = WORLD;
  conn: Connection | undefined;
  owner: unknown;
  target: unknown = null;
  jump = () => this.x.set(1);
}
const stateOf = () => ({
  players: users(Player),
  bullets: collection({ bullet: Player, rock: () => ({ weight: sync(signal(1)), label: "a rock" }) }),
  named: collection((key: string) => ({ x: sync(signal(0)), name: key, friend: undefined as unknown })),
});
type State = ReturnType<typeof stateOf>;

async function scene() {
  const { compiled } = defineRoom({
    path: "r",
    throttleStorage: 0,
    state: stateOf,
    onJoin({ user, conn, request }) {
      if (request.url.includes("keep")) user.conn = conn;
    },
  });
  const room = new MemoryRoom<State>(compiled);
  await room.connect("ann");
  const warnings = () =>
    room.log.flatMap(({ level, event, field, advice }) => (event === "lost_in_sleep" ? [[level, field, advice]] : []));
  return { room, compiled, warnings };
}

describe("properties that hibernation loses", () => {
  it("do not include what the class makes by itself", async () => {
    const { room, warnings } = await scene();
    room.change(({ players, bullets, named }) => {
      for (const player of Object.values(players())) {
        player.x.set(1);
        player.path.push(1);
      }
      bullets()["b"] = new Player();
      bullets()["r"] = { weight: sync(signal(1)), label: "a rock" };
      named()["n"] = { x: sync(signal(0)), name: "n", friend: undefined };
    });
    await room.evict();
    room.change(({ players }) => Object.values(players())[0]?.x.set(2));
    expect(warnings()).toEqual([]);
  });

  it.each<[string, (player: Player, state: State) => void, string]>([
    ["another number", (player) => (player.speed = 6), "is a plain property"],
    ["a property that the class does not have", (player) => Object.assign(player, { note: "mine" }), "is a plain"],
    ["an object in place of nothing", (player) => (player.target = { x: 1 }), "is a plain property"],
    ["another entry", (player, state) => (player.owner = Object.values(state.players())[0]), "refers to players."],
    ["what it is made for", (player, { named }) => (player.world = named()["n"] as never), "refers to named.n"],
  ])("are logged once: %s", async (_, set, advice) => {
    const { room, compiled, warnings } = await scene();
    room.change(({ named }) => (named()["n"] = { x: sync(signal(0)), name: "n", friend: undefined }));
    for (const key of ["b", "c"]) {
      room.change((state) => {
        const bullet = (state.bullets()[key] = new Player());
        set(bullet, state);
      });
    }
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toEqual([
      "warn",
      expect.stringMatching(/^bullets\.b\.\w+$/),
      expect.stringContaining(advice),
    ]);
    // Another room with the same definition does not log it again.
    const other = new MemoryRoom<State>(compiled);
    other.change((state) => {
      const bullet = (state.bullets()["b"] = new Player());
      set(bullet, state);
    });
    expect(other.log.filter(({ event }) => event === "lost_in_sleep")).toEqual([]);
  });

  it("are reported where they were set later, such as user.conn in onJoin", async () => {
    const { room, warnings } = await scene();
    await room.connect("bob", null, undefined, "keep");
    await room.advance(10);
    expect(warnings()).toEqual([
      ["warn", expect.stringMatching(/^players\.\w+\.conn$/), expect.stringContaining("plain")],
    ]);
  });

  it("are also reported if entries differ by their keys, for references", async () => {
    const { room, warnings } = await scene();
    room.change(({ named }) => {
      named()["a"] = { x: sync(signal(0)), name: "a", friend: undefined };
      named()["b"] = { x: sync(signal(0)), name: "b", friend: named()["a"] };
    });
    expect(warnings()).toEqual([["warn", "named.b.friend", expect.stringContaining("refers to named.a")]]);
  });

  it("do not stop anything from being stored if no example can be made", async () => {
    let isBroken = false;
    class Once {
      x = sync(signal(0));
      note: unknown;
      constructor() {
        if (isBroken) throw new Error("only once");
      }
    }
    const { compiled } = defineRoom({
      path: "r",
      throttleStorage: 0,
      state: () => ({ players: users(Once) }),
      onJoin({ user }) {
        user.note = "set";
        isBroken = true;
      },
    });
    const room = new MemoryRoom<{ players: () => Record<string, Once> }>(compiled);
    await room.connect("ann");
    room.change(({ players }) => Object.values(players())[0]?.x.set(3));
    expect([...room.storage.rows].filter(([key]) => key.startsWith("players."))).toEqual([
      [expect.any(String), { x: 3 }],
    ]);
  });
});
