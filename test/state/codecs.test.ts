import { computed, signal } from "@signe/reactive";
import type { WritableSignal } from "@signe/reactive";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { boolean, float32, integer, oneOf, quantized } from "../../src/state/codecs.ts";
import { users } from "../../src/app/users.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";

const STEP = 1000 / (2 ** 16 - 1);

class Player {
  x = sync(signal(0.1), { as: quantized({ min: 0, max: 1000, bits: 16 }) });
  hp = sync(signal(100), { as: integer });
  angle = sync(signal(0), { as: float32 });
  isReady = sync(signal<boolean>(false), { as: boolean });
  team = sync(signal<"red" | "blue">("red"), { as: oneOf("red", "blue") });
}
const definition = defineRoom({
  path: "codecs-{id}",
  throttleSync: 0,
  state: () => ({ players: users(Player), others: collection(Player) }),
});
type State = ReturnType<typeof definition.compiled.definition.state> & {
  players: () => Record<string, Player>;
  others: () => Record<string, Player>;
};

async function joined(query = "protocol=3") {
  const room = new MemoryRoom<State>(definition.compiled);
  const socket = await room.connect("ada", null, undefined, query);
  const [player] = Object.values(room.state.players());
  return { room, socket, player: player as Player };
}

describe("fields with a codec", () => {
  it("have the values that every client gets, from the first one on", async () => {
    for (const query of ["", "protocol=2", "protocol=3"]) {
      const { room, socket, player } = await joined(query);
      expect(player.x()).toBe(Math.round(0.1 / STEP) * STEP);
      room.change(() => {
        player.x.set(12.3456);
        player.hp.update((hp) => hp - 0.7);
        player.angle.set(0.1);
        player.isReady.set(true);
        player.team.set("blue");
      });
      expect(player.hp()).toBe(99);
      expect(player.angle()).toBe(Math.fround(0.1));
      const { x, hp, angle, isReady, team } = player;
      const kept = { x: x(), hp: hp(), angle: angle(), isReady: isReady(), team: team() };
      expect(Math.abs(kept.x - 12.3456)).toBeLessThanOrEqual(STEP / 2);
      const { publicId } = [...room.core.sessions.all()][0] as { publicId: string };
      expect(socket.clients[0]?.state).toMatchObject({ players: { [publicId]: kept } });
      await room.core.handle.flush();
      expect(room.storage.rows.get(`players.${publicId}`)).toMatchObject(kept);
    }
  });

  it("round the values of new entries, and those from before the field had its codec", async () => {
    const { room } = await joined();
    const monster = new Player();
    monster.x.set(271.3);
    room.change((state) => (state.others()["m"] = monster));
    expect(monster.x()).toBe(Math.round(271.3 / STEP) * STEP);
    await room.core.handle.flush();
    room.storage.raw.set("others.m", { ...(room.storage.raw.get("others.m") as object), x: 17.9, hp: 7.6 });
    room.crash();
    const socket = await room.connect("bob", null, undefined, "protocol=3");
    expect(socket.clients[0]?.state).toMatchObject({ others: { m: { x: Math.round(17.9 / STEP) * STEP, hp: 8 } } });
  });

  it("refuse a value without a nearest one, and keep their value", async () => {
    const { room, player } = await joined();
    for (const [name, value, takes] of [
      ["x", "12", "a number"],
      ["x", NaN, "a number"],
      ["hp", null, "a number"],
      ["hp", Infinity, "a number"],
      ["angle", 1e300, "a number that 4 bytes can hold"],
      ["isReady", 1, "true or false"],
      ["team", "green", 'one of "red", "blue"'],
    ] as const) {
      const before = player[name]();
      expect(() => room.change(() => (player[name] as WritableSignal<unknown>).set(value))).toThrow(takes);
      expect(player[name]()).toBe(before);
    }
  });

  it("limit numbers to their range, and every step is exact", () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
        fc.double({ noNaN: true, noDefaultInfinity: true, min: 1e-3, max: 1e6 }),
        fc.integer({ min: 1, max: 32 }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (min, width, bits, value) => {
          const codec = quantized({ min, max: min + width, bits });
          const rounded = codec.round(value) as number;
          expect(rounded).toBeGreaterThanOrEqual(min);
          expect(rounded).toBeLessThanOrEqual(min + width);
          expect(codec.round(rounded)).toBe(rounded);
        },
      ),
    );
  });

  it("never hold -0, which JSON does not have", () => {
    const codecs = [
      quantized({ min: -1, max: -0, bits: 8 }),
      quantized({ min: -0, max: 1, bits: 1 }),
      integer,
      float32,
    ];
    for (const codec of codecs)
      for (const value of [-0, 0, -1e-46, 1]) expect(Object.is(codec.round(value), -0), `${value}`).toBe(false);
  });

  it("are reported in development if a movement is smaller than a step, once", async () => {
    const { room, player } = await joined();
    room.change(() => player.x.set(player.x() + STEP / 3));
    room.change(() => player.x.set(player.x() + STEP / 3));
    const warnings = room.log.filter(({ event }) => event === "rounded_away");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ level: "warn", field: expect.stringMatching(/^players\.\w+\.x$/) as string });
  });
});

it("as is refused for computed signals, and for ranges without steps", () => {
  expect(() => sync(computed(() => 1) as never, { as: integer } as never)).toThrow(
    "sync() cannot combine as with a computed signal",
  );
  expect(() => sync(signal(1), { as: integer, transform: String } as never)).toThrow("sync() cannot combine as");
  for (const range of [
    { min: 0, max: 0, bits: 8 },
    { min: 0, max: 1, bits: 33 },
    { min: 0, max: 1, bits: 1.5 },
    { min: 0, max: Infinity, bits: 8 },
    // Its steps are smaller than any number.
    { min: 0, max: Number.MIN_VALUE, bits: 32 },
  ])
    expect(() => quantized(range)).toThrow(RangeError);
  expect(() => oneOf()).toThrow(RangeError);
  expect(() => oneOf("a", "a")).toThrow(RangeError);
});
