import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { connected, persist, sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";

class Player {
  gold = sync(signal(0));
  online = connected();
}
const stateOf = () => ({ count: sync(signal(0)), list: persist(signal<number[]>([])), players: users(Player) });

describe("onError during a start", () => {
  it("is called after the state was loaded, also after a migration, and cannot store another one", () => {
    const seen: number[] = [];
    const { compiled } = defineRoom({
      path: "r",
      version: 2,
      migrate: { 2: (snapshot) => ({ ...snapshot, count: 8 }) },
      state: stateOf,
      onError({ state, room }) {
        seen.push(state.count());
        state.list.update((list) => [...list, state.count()]);
        void room.flush();
      },
    });
    const room = new MemoryRoom<ReturnType<typeof stateOf>>(compiled);
    room.storage.rows = new Map<string, unknown>([
      [".", { count: 7 }],
      ["list", [1, 2]],
      ["players.p1", "nobody"],
    ]);
    room.crash();
    expect(seen).toEqual([8]);
    expect(room.storage.get("list")).toEqual([1, 2, 8]);
    room.crash();
    expect(room.state.count()).toBe(8);
    expect(room.state.list()).toEqual([1, 2, 8]);
  });
});

describe("messages to a room that is starting", () => {
  const scene = async () => {
    let gate = Promise.resolve();
    const { compiled } = defineRoom({
      path: "r",
      throttleSync: 0,
      rateLimit: { messages: 10_000, per: 1000 },
      state: stateOf,
      actions: { add: { run: ({ state }) => state.count.update((count) => count + 1) } },
      onStart: () => gate,
    });
    const room = new MemoryRoom<ReturnType<typeof stateOf>>(compiled);
    const socket = await room.connect("ada");
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    await room.evict();
    return { room, socket, start: resolve, send: (frame: string) => room.core.message(socket, frame) };
  };

  it("wait for it, in order", async () => {
    const { room, start, send } = await scene();
    const handled = [send('{"action":"add"}'), send('{"action":"add"}')];
    await Promise.resolve();
    expect(room.state.count()).toBe(0);
    start();
    for (const each of handled) await each;
    expect(room.state.count()).toBe(2);
  });

  it("are limited: no more may wait than for a slow action", async () => {
    const large = await scene();
    void large.send("x".repeat(70_000));
    expect(large.socket.closedWith?.code).toBe(1009);
    const many = await scene();
    for (let message = 0; message < 1002; message++) void many.send('{"action":"add"}');
    expect(many.socket.closedWith?.code).toBe(4429);
    many.start();
    await many.room.core.started;
    expect(many.room.state.count()).toBe(0);
  });
});

describe("a migration", () => {
  it.each([
    ["-0 and 0", -0, 0],
    ["a date and its text", new Date(0), new Date(0).toJSON()],
    ["NaN and null", NaN, null],
    ["a hole and null", [undefined], [null]],
    ["another order", { a: 1, b: 2 }, { b: 2, a: 1 }],
  ])("stores the differences to what was there: %s", (_, before, after) => {
    const { compiled } = defineRoom({
      path: "r",
      version: 2,
      migrate: { 2: () => ({ any: after }) },
      state: () => ({ any: persist(signal<unknown>(null)) }),
    });
    const room = new MemoryRoom(compiled);
    room.storage.rows = new Map<string, unknown>([[".", { any: before }]]);
    room.crash();
    const { any } = room.storage.get(".") as { any: unknown };
    expect(any).toStrictEqual(after);
    if (after !== null && !Array.isArray(after) && typeof after === "object")
      expect(Object.keys(any as object)).toEqual(Object.keys(after));
  });
});

describe("an unreadable session", () => {
  const { compiled } = defineRoom({ path: "r", throttleStorage: 0, sessionExpiryTime: 1000, state: stateOf });

  it.each([false, true])(
    "removes its user, since nobody could reconnect as them (connected: %s)",
    async (isConnected) => {
      const room = new MemoryRoom<ReturnType<typeof stateOf>>(compiled);
      const ada = await room.connect("ada");
      const bob = await room.connect("bob");
      room.change((state) => Object.values(state.players())[0]?.gold.set(7));
      await room.advance(10);
      const [adas, bobs] = Object.keys(room.state.players());
      if (!isConnected) room.disconnect(ada);
      const session = room.storage.get("$session:ada") as object;
      room.storage.rows.set("$session:ada", { ...session, offlineSince: "yesterday" });
      if (isConnected) await room.evict();
      else room.crash();
      expect(Object.keys(room.state.players())).toEqual([bobs]);
      const found = Object.fromEntries(room.core.handle.quarantine.list().map(({ key, value }) => [key, value]));
      expect(found).toEqual({
        "$session:ada": { ...session, offlineSince: "yesterday" },
        [`players.${adas}`]: { gold: 7 },
      });
      expect(room.storage.get(`players.${adas}`)).toBeUndefined();
      if (isConnected) expect([ada.closedWith?.code, bob.closedWith?.code]).toEqual([1012, 1012]);
      // The user stays removed. A client with the same id is a new user.
      room.crash();
      expect(Object.keys(room.state.players())).toEqual([bobs]);
      await room.connect("ada");
      expect(Object.keys(room.state.players())).not.toContain(adas);
    },
  );

  it("does not affect other users, including those without a session", async () => {
    const room = new MemoryRoom<ReturnType<typeof stateOf>>(compiled);
    room.change((state) => void (state.players()["bot"] = new Player()));
    await room.advance(10);
    room.storage.rows.set("$session:ada", { sub: 5 });
    room.crash();
    expect(Object.keys(room.state.players())).toEqual(["bot"]);
    expect(room.core.handle.quarantine.list()).toHaveLength(1);
  });
});
