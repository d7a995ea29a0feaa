import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { users } from "../../../src/app/users.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { near } from "../../../src/state/near.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
}
const mob = () => ({ x: sync(signal(0)), y: sync(signal(0)) });
const state = () => ({
  players: users(Player),
  mobs: collection(mob, { visibleTo: near({ x: "x", y: "y", radius: 100, nearest: 1 }) }),
});

it("P4.15: nothing is kept of a client that leaves while its nearest entries are about to be chosen again", async () => {
  const room = new MemoryRoom<ReturnType<typeof state>>(defineRoom({ path: "r", throttleSync: 5000, state }).compiled);
  await room.connect("ada");
  let bob: MemorySocket | undefined = await room.connect("bob");
  await room.advance(10_000);
  const connections = () => [...room.core.handle.connections];
  const conn = new WeakRef(connections()[1] as object);
  room.change(({ mobs }) => (mobs()["m"] = mob()));
  // The nearest entries are chosen again a second later, and the next packet is sent after five.
  await room.advance(2000);
  room.disconnect(bob);
  bob = undefined;
  await room.advance(60_000);
  // A weak reference holds its object until the next task.
  await new Promise((resolve) => setTimeout(resolve, 0));
  collectGarbage();
  expect(connections().length).toBe(1);
  expect(conn.deref() === undefined).toBe(true);
});
