import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { collection, near, sync, users } from "../../src/index.ts";
import { ResumingClient } from "../room/sync/resuming-client.ts";
import { MemoryTree } from "../support/memory-shards.ts";

const item = () => ({ worth: sync(signal(1)), rune: sync(signal("old"), { visibleTo: () => true }) });
class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  items = collection(item);
}
const NEAR = { near: { radius: 100 }, rings: { rings: [{ radius: 50 }, { radius: 100, hz: 4 }] } } as const;

/** After a crash, a client of protocol 1 gets the differences, so its shard has to know what it has. */
it.each([
  ["near", "an item inside of an entry"],
  ["near", "an entry"],
  ["rings", "an item inside of an entry"],
  ["rings", "an entry"],
] as const)("%s: if a crash undoes the removal of %s, its private part is sent again", async (how, what) => {
  const state = () => {
    const visibleTo = near({ x: "x", y: "y", ...NEAR[how] });
    return { players: users(Player, { visibleTo }), chests: collection(Player, { visibleTo }) };
  };
  const tree = new MemoryTree<ReturnType<typeof state>>(defineRoom({ path: "r", throttleSync: 0, state }).compiled);
  const client = new ResumingClient();
  client.connected(tree.add("s").connect("ann"));
  const seen = () => {
    client.read();
    return (client.state["chests"] as Record<string, { items: unknown }> | undefined)?.["c"]?.items;
  };
  const has = { i: { worth: 1, rune: "old" } };
  await tree.advance(500);
  tree.room.change(({ chests }) => {
    const chest = (chests()["c"] = new Player());
    chest.items()["i"] = item();
  });
  await tree.advance(3000);
  expect(seen()).toEqual(has);
  tree.room.change(({ chests }) => {
    if (what === "an entry") delete chests()["c"];
    else delete chests()["c"]?.items()["i"];
  });
  // Clients have this change, but it is not stored yet.
  await tree.advance(300);
  expect(seen()).toEqual(what === "an entry" ? undefined : {});
  tree.room.crash();
  await tree.advance(3000);
  expect(seen()).toEqual(has);
});
