import { computed, signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { users } from "../../src/app/users.ts";
import { collection, id, persist, sync } from "../../src/state/fields.ts";
import { reference } from "../../src/state/reference.ts";
import { findShared } from "../../src/state/shared-values.ts";

const count = sync(signal(0));
const cache = signal(0);
const board = [[0, 0]];
const settings = { speed: 1 };
const frozen = Object.freeze({ width: Object.freeze([1]) });
const seen = new Map<string, number>();
const group = { a: sync(signal(0)) };
const players = collection(() => ({ x: sync(signal(0)) }));
class Player {
  id = id();
  score = count;
}
const whole = { own: sync(signal(0)) };

describe("values that two rooms of a definition share", () => {
  it.each<[string, () => object, string]>([
    ["a field", () => ({ count }), "count"],
    ["a signal without a mark", () => ({ cache }), "cache"],
    ["a collection", () => ({ players }), "players"],
    ["an object of fields", () => ({ group }), "group"],
    ["a signal inside an object", () => ({ inner: { deep: { count } } }), "inner.deep.count"],
    ["an object in a value", () => ({ map: sync(signal({ settings })) }), "map.settings"],
    ["an array in a value", () => ({ board: persist(signal([...board])) }), "board.0"],
    ["a map beside the fields", () => ({ seen, own: sync(signal(0)) }), "seen"],
    ["a field of entries", () => ({ players: users(Player) }), "players.*.score"],
    ["the whole state", () => whole, "own"],
  ])("are found: %s", (_, state, path) => {
    expect(findShared(state)).toEqual([path]);
  });

  it("do not include immutable ones, or ones that are made again each time", () => {
    const made = () => {
      const entries = users(Player);
      class Bullet {
        owner = reference(() => entries());
        near: unknown;
        constructor() {
          this.near = this;
        }
      }
      const scores = sync(signal<number[]>([]));
      return {
        scores,
        best: sync(computed(() => Math.max(0, ...scores()))),
        bullets: collection(Bullet),
        variants: collection({ one: Bullet, other: () => ({ hp: sync(signal(1)) }) }),
        map: sync(signal({ frozen, text: "a", none: null })),
        Bullet,
        frozen,
        top: sync(signal(settings)), // the room copies the value
        circle: {} as { self?: unknown },
      };
    };
    expect(
      findShared(() => {
        const state = made();
        state.circle.self = state;
        return state;
      }),
    ).toEqual([]);
  });

  it("are unknown if a state or an entry cannot be made for an example", () => {
    const broken = () => {
      throw new Error("not here");
    };
    expect(findShared(broken)).toEqual([]);
    expect(findShared(() => ({ count, things: collection(broken) }))).toEqual(["count"]);
    expect(findShared(async () => ({ count }))).toEqual([]);
  });
});
