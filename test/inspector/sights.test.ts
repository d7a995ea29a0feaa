import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { inspectRoom } from "../../src/inspector/room.ts";
import { users } from "../../src/app/users.ts";
import { collection, persist, sync } from "../../src/state/fields.ts";
import { EVERYTHING } from "../../src/state/key-rules.ts";
import { near } from "../../src/state/near.ts";
import { byKey } from "../../src/state/visibility-keys.ts";
import { MemoryRoom } from "../support/memory.ts";
import { MemoryTree } from "../support/memory-shards.ts";

class Player {
  x = sync(signal(5));
  y = sync(signal(5));
}
const trap = (team: string) => ({ team: persist(signal(team)), hp: sync(signal(1)) });
const state = () => ({
  players: users(Player, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }),
  traps: collection(() => trap("red"), {
    visibleTo: byKey<ReturnType<typeof trap>>({
      of: ({ team }) => team(),
      for: ({ auth }) => (auth?.["gm"] === true ? EVERYTHING : String(auth?.["team"])),
    }),
  }),
});

it("an operator sees who sees whom, and by which keys", async () => {
  const room = new MemoryRoom<ReturnType<typeof state>>(defineRoom({ path: "r", throttleSync: 0, state }).compiled);
  room.change(({ traps }) => {
    traps()["t1"] = trap("red");
    traps()["t2"] = trap("blue");
  });
  for (const [who, auth] of [
    ["ada", { team: "red" }],
    ["gm", { gm: true }],
  ] as const)
    await room.connect(who, auth);
  const [ada = "", gm = ""] = Object.keys(room.state.players());
  room.change(({ players }) => players()[gm]?.x.set(5000));
  const { sights } = inspectRoom(room.core, (text) => text === "t2");
  expect(
    sights?.first.map(({ publicId, collection: name, looks, sees }) => ({ publicId, collection: name, looks, sees })),
  ).toEqual([
    { publicId: ada, collection: "players", looks: "cell 0 0", sees: { total: 1, first: [`${ada} (own)`] } },
    { publicId: ada, collection: "traps", looks: "red", sees: { total: 1, first: ["t1 (red)"] } },
    { publicId: gm, collection: "players", looks: "cell 625 0", sees: { total: 1, first: [`${gm} (own)`] } },
    { publicId: gm, collection: "traps", looks: "everything", sees: { total: 2, first: ["t1 (red)", "t2 (blue)"] } },
  ]);
});

it("of a client at a shard, an operator sees the nearest entries too", async () => {
  const players = () => ({ players: users(Player, { visibleTo: near({ x: "x", y: "y", radius: 100, nearest: 1 }) }) });
  const tree = new MemoryTree<ReturnType<typeof players>>(
    defineRoom({ path: "r", throttleSync: 0, state: players }).compiled,
  );
  const shard = tree.add("s0");
  for (const who of ["ada", "bob", "eve"]) shard.connect(who);
  await tree.advance(1000);
  const keys = Object.keys(tree.room.state.players());
  tree.room.change((all) => keys.forEach((key, index) => all.players()[key]?.x.set(index * index)));
  await tree.advance(3000);
  const { sights } = inspectRoom(tree.room.core, () => false);
  const [ada = "", bob = "", eve = ""] = keys;
  const seen = sights?.first.map(({ sees }) => sees.first.map((text) => text.split(" ")[0]));
  expect(seen).toEqual([
    [bob, ada],
    [ada, bob],
    [bob, eve],
  ]);
});

it("a room without keyed visibility has no such list", () => {
  const room = new MemoryRoom(defineRoom({ path: "r", state: () => ({ players: users(Player) }) }).compiled);
  expect(inspectRoom(room.core, () => false).sights).toBeUndefined();
});
