import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { checkConfig } from "../../src/app/check-config.ts";
import { createDirectory } from "../../src/app/directory.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync } from "../../src/state/fields.ts";

const room = (path: string) => defineRoom({ path, state: () => ({ count: sync(signal(0)) }) });

// create-rooms.test.ts tests what else createRooms refuses.
describe("createDirectory", () => {
  it("finds a room by party and id, with the parameters of its path", () => {
    const game = room("game-{id}");
    const lobby = room("lobby");
    const { find, all } = createDirectory({ rooms: [game], parties: { other: [lobby] } });
    expect([...all]).toEqual([
      ["main", [game]],
      ["other", [lobby]],
    ]);
    expect(find("main", "game-1")).toEqual({ room: game, params: { id: "1" } });
    expect(find("other", "lobby")).toEqual({ room: lobby, params: {} });
    expect(find("main", "lobby")).toBeUndefined();
    expect(find("other", "game-1")).toBeUndefined();
  });

  it.each(["nowhere", "__proto__", "constructor", "toString", "world", "shard"])(
    "finds nothing in party %s",
    (party) => {
      expect(createDirectory({ rooms: [room("{any}")] }).find(party, "a")).toBeUndefined();
    },
  );

  it("prefers the first definition that matches", () => {
    const [special, general] = [room("game-special"), room("game-{id}")];
    expect(createDirectory({ rooms: [special, general] }).find("main", "game-special")?.room).toBe(special);
    expect(createDirectory({ rooms: [general, special] }).find("main", "game-special")?.room).toBe(general);
  });

  it("takes the party main from parties, and the same definition in two parties", () => {
    const both = room("game-{id}");
    const { find } = createDirectory({ parties: { main: [both], other: [both] } });
    expect(find("main", "game-1")?.room).toBe(both);
    expect(find("other", "game-1")?.room).toBe(both);
  });

  it.each<[string, unknown, RegExp]>([
    ["no room", {}, /there is no room.*defineRoom/],
    ["empty lists", { rooms: [], parties: { other: [] } }, /there is no room/],
    ["rooms that are no list", { rooms: room("a") }, /needs a list of rooms/],
    ["null", { rooms: [null] }, /not made with defineRoom/],
    ["an empty party", { parties: { "": [room("a")] } }, /"" is not a valid party name/],
    ["the party shard", { parties: { shard: [room("a")] } }, /"shard" is built in/],
    ["a party that is no list", { parties: { other: room("a") } }, /"other" needs a list/],
  ])("refuses %s", (_, config, message) => {
    expect(() => checkConfig(config as object)).toThrow(message);
  });
});
