import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";

const HZ = 20;
class Player {
  x = sync(signal(0));
  name = sync(signal("a"));
  other = sync(signal(0));
}
type Past = Readonly<
  Record<"players" | "crates", Readonly<Record<string, { readonly x: number; readonly name: string }>>>
>;
interface State {
  players(): Record<string, Player>;
  crates(): Record<string, unknown>;
}
const makeCrate = () => ({ x: sync(signal(7)) });

/** The ticks of each shot: the one that its client saw, and the current one. */
let shots: { seen: number; tick: number }[] = [];
const definition = defineRoom({
  path: "r",
  throttleSync: 0,
  state: () => ({
    players: users(Player, { history: { fields: ["x", "name"], ms: 500 } }),
    crates: collection(makeCrate, { history: { fields: ["x"], ms: 200 } }),
    others: collection(makeCrate),
  }),
  tick: {
    hz: HZ,
    run({ state, tick }) {
      for (const player of Object.values(state.players())) {
        player.x.set(tick * 10);
        player.name.set(`tick ${tick}`);
      }
    },
  },
  inputs: {
    shoot: { input: z.unknown(), step: () => ({}), run: ({ seen, tick }) => void shots.push({ seen, tick }) },
  },
});

async function start() {
  shots = [];
  const room = new MemoryRoom<State>(definition.compiled);
  const ada = await room.connect("ada", null, undefined, "protocol=2");
  const ticks = (count = 1) => room.clock.advance((count * 1000) / HZ);
  ticks(40);
  const id = Object.keys(room.state.players())[0] as string;
  let number = 0;
  const shoot = (seen: unknown) => room.core.message(ada, JSON.stringify({ action: "shoot", input: ++number, seen }));
  const at = (tick: number) => room.core.handle.rewind(tick, (past: Past) => past);
  return { room, ada, ticks, id, shoot, at };
}

describe("room.rewind", () => {
  it("reads past entries: numbers between two ticks, other values at the first one", async () => {
    const { room, id, at } = await start();
    expect(room.state.players()[id]?.x()).toBe(400);
    expect(at(36).players[id]).toEqual({ x: 360, name: "tick 36" });
    expect(at(36.25).players[id]).toEqual({ x: 362.5, name: "tick 36" });
    expect(Object.keys(at(36))).toEqual(["players", "crates"]);
  });

  it("is limited: before the history it reads the oldest values, after it the newest", async () => {
    const { id, at } = await start();
    // The history has half a second, which is ten ticks, and the tick before them.
    expect(at(0).players[id]).toEqual({ x: 300, name: "tick 30" });
    expect(at(-Infinity).players[id]?.x).toBe(300);
    expect(at(1e9).players[id]?.x).toBe(400);
    expect(at(Number.NaN).players[id]?.x).toBe(400);
  });

  it("knows removed entries, and does not know later ones", async () => {
    const { room, ticks, at } = await start();
    room.change((state) => (state.crates()["c"] = makeCrate()));
    ticks();
    expect(at(40).crates).toEqual({});
    expect(at(41).crates).toEqual({ c: { x: 7 } });
    room.change((state) => delete state.crates()["c"]);
    ticks();
    expect(at(41).crates).toEqual({ c: { x: 7 } });
    expect(at(42).crates).toEqual({});
  });

  it("stores nothing, and is gone after a restart", async () => {
    const { room, ticks, at, id } = await start();
    await room.advance(5000);
    expect([...room.storage.rows.values()].some((value) => JSON.stringify(value)?.includes("tick 35"))).toBe(false);
    room.crash();
    await room.connect("ada");
    ticks();
    const name = at(0).players[id]?.name;
    expect(Number(name?.slice("tick ".length))).toBeGreaterThan(1000);
  });

  it("throws without a history, and reports a malformed history", async () => {
    const plain = new MemoryRoom(
      defineRoom({ path: "r", state: () => ({ players: users(Player) }), tick: { hz: 1 } }).compiled,
    );
    expect(() => plain.core.handle.rewind(1, () => {})).toThrow(/history/);
    for (const ms of [0, -1, 2001, Number.NaN])
      expect(() => users(Player, { history: { fields: ["x"], ms } })).toThrow(/up to 2000/);
    expect(() => users(Player, { history: { fields: [], ms: 5 } })).toThrow(/history takes fields/);
  });
});

describe("P15.7 what an input's client saw", () => {
  it("is what the client says, within its usual range", async () => {
    const { shoot, ticks } = await start();
    for (let shot = 0; shot < 10; shot++) {
      // About six ticks ago, for a round trip and a delay of 300 ms.
      await shoot(40 + shot - 6 - (shot % 2) * 0.7);
      ticks();
    }
    expect(shots.map(({ seen, tick }) => Math.round((tick - 1 - seen) * 10) / 10)).toEqual(
      Array.from({ length: 10 }, (_, shot) => (shot % 2 === 0 ? 6 : 6.7)),
    );
  });

  it("is limited for a single shot, to a second, and never in the future", async () => {
    const { shoot, ticks } = await start();
    const lagOf = async (seen: unknown) => {
      await shoot(seen);
      ticks();
      const { tick = 0, seen: told = 0 } = shots.at(-1) ?? {};
      return tick - 1 - told;
    };
    expect(await lagOf(-1e9)).toBe(HZ);
    expect(await lagOf(41 - 4)).toBe(4);
    expect(await lagOf(0)).toBeCloseTo(4 + 0.1 * HZ);
    expect(await lagOf(1e9)).toBe(0);
    for (const odd of [null, "1", {}, undefined]) expect(await lagOf(odd)).toBe(0);
    expect(await lagOf(0)).toBeCloseTo(0.1 * HZ);
  });
});
