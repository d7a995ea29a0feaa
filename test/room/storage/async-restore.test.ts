import { signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import type { Snapshot } from "../../../src/define/types.ts";
import { users } from "../../../src/app/users.ts";
import { connected, sync } from "../../../src/state/fields.ts";
import { testRoom } from "../../support/harness.ts";
import { MemoryRoom } from "../../support/memory.ts";

class Player {
  gold = sync(signal(0));
  online = connected();
}
const state = () => ({ count: sync(signal(0)), players: users(Player) });
type Seen = { players: Record<string, { online: boolean }> };
type State = ReturnType<typeof state>;

/** A thenable that is not a `Promise`, such as the result of a call to another Worker. */
function foreign<T>(value: T): Promise<T> {
  const settled = Promise.resolve(value);
  // oxlint-disable-next-line unicorn/no-thenable -- the tests need a thenable
  return { then: settled.then.bind(settled) } as Promise<T>;
}

/** Waits for a new task of the event loop, before which other events could run. */
const nextTask = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("an async restore hook", () => {
  it.each([
    ["a promise", async <T>(value: T) => value],
    ["another thenable", foreign],
  ])("is awaited, and its result is loaded: %s", async (_, wrap) => {
    const { compiled } = defineRoom({
      path: "r",
      state,
      onStorageRestore: ({ snapshot }) => wrap({ ...snapshot, count: Number(snapshot["count"]) + 1 }),
      onUserStorageRestore: ({ userSnapshot }) => wrap({ ...userSnapshot, gold: Number(userSnapshot["gold"]) + 1 }),
    });
    const room = new MemoryRoom<State>(compiled);
    await room.connect("ada");
    await room.connect("bob");
    room.change(({ count, players }) => {
      count.set(7);
      for (const { gold } of Object.values(players())) gold.set(10);
    });
    await room.advance(2000);
    const before = new Map(room.storage.rows);
    room.crash();
    expect(room.storage.rows).toEqual(before);
    await room.core.started;
    expect(room.state.count()).toBe(8);
    expect(Object.values(room.state.players()).map(({ gold }) => gold())).toEqual([11, 11]);
    // Later changes are tracked, and the loaded values are stored with them.
    room.change(({ count }) => count.update((value) => value + 1));
    await room.advance(2000);
    expect(room.storage.get(".")).toMatchObject({ count: 9 });
  });

  it("changes of the user before it resolves are not sent, and its result wins", async () => {
    const { compiled } = defineRoom({
      path: "r",
      state,
      async onUserStorageRestore({ userSnapshot, user }) {
        await Promise.resolve();
        user.gold.set(1000);
        return userSnapshot;
      },
    });
    const room = new MemoryRoom<State>(compiled);
    await room.connect("ada");
    room.change(({ players }) => Object.values(players())[0]?.gold.set(7));
    await room.advance(2000);
    room.crash();
    await room.core.started;
    expect(Object.values(room.state.players()).map(({ gold }) => gold())).toEqual([7]);
    const bob = await room.connect("bob");
    room.change(({ players }) => Object.values(players())[0]?.gold.set(8));
    await room.advance(100);
    expect(JSON.stringify(bob.clients[0]?.state)).toContain('"gold":8');
  });

  it("quarantines a user for whom it rejects, and no other", async () => {
    const { compiled } = defineRoom({
      path: "r",
      state,
      async onUserStorageRestore({ userSnapshot }) {
        await Promise.resolve();
        if (userSnapshot["gold"] === 13) throw new Error("unlucky");
        return userSnapshot;
      },
    });
    const room = new MemoryRoom<State>(compiled);
    await room.connect("ada");
    await room.connect("bob");
    const [ada, bob] = Object.keys(room.state.players());
    room.change(({ players }) => players()[ada as string]?.gold.set(13));
    await room.advance(2000);
    room.crash();
    await room.core.started;
    expect(Object.keys(room.state.players())).toEqual([bob]);
    expect(room.core.handle.quarantine.list()).toMatchObject([
      { key: `players.${ada}`, value: { gold: 13 }, reason: "unlucky" },
    ]);
  });

  it.each<[string, () => Promise<Snapshot>, string]>([
    ["rejects", () => Promise.reject(new Error("no database")), "no database"],
    ["resolves to nothing", async () => undefined as unknown as Snapshot, "onStorageRestore has to return"],
    ["takes longer than 20 seconds", () => new Promise(() => {}), "not done in 20 seconds"],
  ])("that %s stops the room from starting, and nothing changes", async (_, hook, reason) => {
    let isBroken = false;
    const { compiled } = defineRoom({
      path: "r",
      state,
      onStorageRestore: ({ snapshot }) => (isBroken ? hook() : snapshot),
    });
    const room = new MemoryRoom<State>(compiled);
    await room.connect("ada");
    room.change(({ count }) => count.set(7));
    await room.advance(2000);
    const before = new Map(room.storage.rows);
    isBroken = true;
    room.crash();
    const failure = expect(room.core.restoring).rejects.toThrow(reason);
    const waiting = expect(room.core.started).rejects.toThrow(reason);
    await nextTask();
    room.clock.advance(20_000);
    await failure;
    await waiting;
    await room.advance(60_000).catch(() => {});
    expect(room.storage.rows).toEqual(before);
    isBroken = false;
    room.crash();
    expect(room.state.count()).toBe(7);
  });
});

describe("a real room with an async restore hook", () => {
  let isBroken = false;
  const definition = () =>
    defineRoom({
      path: "room-{id}",
      throttleSync: 0,
      throttleStorage: 0,
      state,
      actions: {
        add: { run: ({ state: { count } }) => (count.update((value) => value + 1), count()) },
        list: { run: ({ state: { count, players } }) => [count(), Object.keys(players()).length] },
      },
      requests: { "GET /count": { run: ({ state: { count } }) => ({ count: count() }) } },
      async onStorageRestore({ snapshot }) {
        await nextTask();
        if (isBroken) throw new Error("no database");
        return snapshot;
      },
      async onUserStorageRestore({ userSnapshot }) {
        await nextTask();
        return userSnapshot;
      },
    });

  it("answers no message and no request before it is done, and loses none", async () => {
    const room = testRoom(definition());
    const client = await room.connect({ id: "ada" });
    await client.call("add");
    await room.evict();
    const [answer, request, second] = await Promise.all([client.call("add"), room.fetch("/count"), client.call("add")]);
    expect([answer.value["result"], second.value["result"]]).toEqual([2, 3]);
    expect(await request.json()).toEqual({ count: expect.any(Number) as number });
    await room.evict();
    const [old, fresh] = await Promise.all([client.call("list"), room.connect({ id: "bob" })]);
    expect(old.value["result"]).toEqual([3, expect.any(Number)]);
    expect((await fresh.call("list")).value["result"]).toEqual([3, 2]);
  });

  it("notices a client that disconnects meanwhile", async () => {
    const room = testRoom(definition());
    const ada = await room.connect({ id: "ada" });
    const bob = await room.connect({ id: "bob" });
    await room.evict();
    ada.close();
    await bob.sees(({ players }: Seen) => players[ada.publicId]?.online === false);
  });

  it("P6.7: answers 503 and closes with 1011 if it fails, and tries again at the next event", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const room = testRoom(definition());
    const client = await room.connect({ id: "ada" });
    await client.call("add");
    isBroken = true;
    await room.evict();
    const response = await room.fetch("/count", {});
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "10"]);
    client.send({ action: "add" });
    expect((await client.closed).code).toBe(1011);
    expect((await (await room.open({ id: "ada" })).closed).code).toBe(1011);
    isBroken = false;
    expect(await (await room.fetch("/count")).json()).toEqual({ count: 1 });
    expect(log.mock.calls.join()).toContain("no database");
    log.mockRestore();
  });
});
