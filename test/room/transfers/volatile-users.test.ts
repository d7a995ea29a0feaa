import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { TestRoom } from "../../support/harness.ts";

const item = () => ({ count: sync(signal(1)) });
class Player {
  gold = sync(signal(0));
  stance = sync(signal(0), { persist: false });
  bag = collection(item, { persist: false });
}

const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  throttleStorage: 0,
  state: () => ({ players: users(Player, { persist: false }) }),
  actions: {
    earn: {
      run({ user }) {
        user.gold.set(7);
        user.stance.set(3);
        user.bag()["sword"] = item();
        user.bag()["sword"]?.count.set(4);
      },
    },
    go: { run: ({ room, conn }, target) => room.sessionTransfer(conn, target as string) },
    have: {
      run: ({ user }) => [
        user.gold(),
        user.stance(),
        Object.entries(user.bag()).map(([key, { count }]) => [key, count()]),
      ],
    },
  },
});

it("users of a collection with persist: false keep their values in another room, though nothing is stored", async () => {
  const here = new TestRoom(definition, "room-a");
  const there = here.sibling("room-b");
  const client = await here.connect({ id: "ada" });
  await client.call("earn");
  const kept = Object.keys(await here.stored()).filter((key) => key.startsWith("players"));
  expect(kept).toEqual([]);
  const token = (await client.call("go", "room-b")).value["result"] as string;
  const arrived = await there.connect({ query: `transferToken=${token}`, id: "ada" });
  // A field that is volatile itself (`stance`) is not transferred, just as it is not stored.
  expect((await arrived.call("have")).value["result"]).toEqual([7, 0, [["sword", 4]]]);
});
