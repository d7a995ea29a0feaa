import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { sync } from "../../../src/state/fields.ts";
import { near } from "../../../src/state/near.ts";
import { MemoryTree } from "../../support/memory-shards.ts";
import { ResumingClient } from "./resuming-client.ts";

type Any = Readonly<Record<string, unknown>> | readonly unknown[] | number | null;

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  target = sync(signal<Any>(null));
  plan = sync(signal("wait"), { visibleTo: () => true });
}
const rings = near({ x: "x", y: "y", rings: [{ radius: 100 }, { radius: 1000, hz: 4 }] });
const state = () => ({ players: users(Player, { visibleTo: rings }) });

/** Two users in each other's outer ring. One of them receives the changes of the other with a delay, merged. */
async function apart(via: string) {
  const tree = new MemoryTree<ReturnType<typeof state>>(defineRoom({ path: "r", throttleSync: 0, state }).compiled);
  const shard = tree.add("s");
  const client = new ResumingClient();
  const connect = (session: string, query = "") =>
    via === "a shard" ? shard.connect(session, null, query) : tree.room.connect(session, null, undefined, query);
  client.connected(await connect("ada", client.query));
  await connect("bob");
  await tree.advance(1000);
  client.read();
  const key = Object.keys(tree.room.state.players()).find((each) => each !== client.publicId) as string;
  const bob = tree.room.state.players()[key] as Player;
  tree.room.change(() => bob.x.set(500));
  await tree.advance(2000);
  const set = (target: Any) => tree.room.change(() => bob.target.set(target));
  const seen = async () => {
    await tree.advance(1000);
    client.read();
    return (client.state["players"] as Record<string, unknown>)[key];
  };
  return { set, seen };
}

describe.each(["the room", "a shard"])("P4.15: changes of a farther ring that are sent together, by %s", (via) => {
  it.each<[string, readonly Any[]]>([
    ["objects and null in turn", [{ a: 1 }, null, { b: 2 }]],
    ["an object in place of an array", [1, [1, 2], { b: 2 }]],
    ["an array in place of an object", [1, { b: 2 }, [1, 2]]],
    ["parts of an object that took the place of a number", [1, { a: { c: 1 } }, { a: { c: 2, d: 3 } }, { a: 3 }]],
    ["items of an array", [1, [1, 2, 3, 4], [1, 2, 3, 5]]],
  ])("%s: the last value arrives, and fields that only some see are unchanged", async (_, values) => {
    const { set, seen } = await apart(via);
    for (const value of values) set(value);
    expect(await seen()).toEqual({ x: 500, y: 0, target: values.at(-1), plan: "wait" });
  });
});
