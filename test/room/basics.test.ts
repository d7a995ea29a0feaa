import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { connected, sync, users } from "../../src/state/fields.ts";
import { testRoom } from "../support/harness.ts";

class Player {
  x = sync(signal(0));
  online = connected();
}
const counter = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  state: () => ({ count: sync(signal(0)), players: users(Player) }),
  actions: {
    add: {
      input: z.number(),
      run({ state }, by) {
        state.count.update((count) => count + by);
        return state.count();
      },
    },
    fail: {
      run({ state }) {
        state.count.set(99);
        throw new Error("secret text");
      },
    },
  },
});

describe("a room over a real socket", () => {
  it("works", async () => {
    const room = testRoom(counter);
    const a = await room.connect();
    const b = await room.connect();
    expect((await a.call("add", 2)).value["result"]).toBe(2);
    await b.sees((state: { count: number }) => state.count === 2);
    console.log(a.texts, b.texts);
    console.log(await a.call("fail"));
    console.log(await a.call("add", "x"), await a.call("nope"));
    await room.evict();
    console.log(await a.call("add", 1));
    await b.sees((state: { count: number }) => state.count === 100);
    b.close();
    await a.sees(
      (state: { players: Record<string, { online: boolean }> }) => state.players[b.publicId]?.online === false,
    );
    console.log(a.state, await room.stored());
    await room.alarm();
    console.log(await room.stored());
  });
});
