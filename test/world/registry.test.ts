import { expect, it } from "vitest";
import { Registry } from "../../src/world/registry.ts";
import { checkWorldConfig, MOST_SHARDS } from "../../src/world/settings.ts";
import { makeWorldState } from "../../src/world/state.ts";

const MOST_OF_A_ROOM = 1000;

it("a World has at most 15,000 shards, however many rooms clients ask for", () => {
  const registry = new Registry(makeWorldState(), checkWorldConfig({ maxShards: MOST_OF_A_ROOM }), Math.random);
  const place = (roomId: string) =>
    registry.place({ roomId, autoCreate: true, mayGrow: true, hint: undefined }, 0).kind;
  for (let shards = 0; shards < MOST_SHARDS; shards += MOST_OF_A_ROOM) {
    const name = `room-${shards}`;
    registry.register(
      { name, balancingStrategy: "random", public: true, maxPlayersPerShard: 1, minShards: MOST_OF_A_ROOM },
      0,
    );
  }
  expect(registry.shards()).toHaveLength(15_000);
  expect(place("another-room")).toBe("no space");
  expect(place("room-0")).toBe("placed");
});
