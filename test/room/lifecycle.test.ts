import { signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { connected, id, sync } from "../../src/state/fields.ts";
import { testRoom, token } from "../support/harness.ts";
import { MemoryRoom } from "../support/memory.ts";

class Player {
  id = id();
  online = connected();
  joins = sync(signal(0));
}
type Seen = { players: Record<string, { online: boolean; joins: number }>; started: number; ticks: number };

const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  maxUsers: 2,
  state: () => ({ started: sync(signal(0)), players: users(Player), log: sync(signal<string[]>([])) }),
  actions: {
    setState: { run: ({ conn }, value) => conn.setState(value) },
    getState: { run: ({ conn }) => conn.state },
    count: { run: ({ conn }) => conn.setState((count) => Number(count ?? 0) + 1) },
    failState: {
      run: ({ conn }) =>
        conn.setState(() => {
          throw new Error("no state");
        }),
    },
    quit: { run: ({ conn }) => conn.close(4000, "enough") },
    badClose: { run: ({ conn }) => conn.close(1006) },
    who: {
      run: ({ room, conn }) => ({ open: room.connections.length, params: room.params, id: room.id, me: conn.publicId }),
    },
    tell: { run: ({ room, conn }, value) => room.broadcast({ type: "chat", value }, { except: conn }) },
    reserved: { run: ({ room }) => room.broadcast({ type: "sync", value: {} }) },
    store: { run: ({ room }, value) => room.storage.put("mine", value) },
    fetchStore: { run: ({ room }) => room.storage.get("mine") },
  },
  onStart({ state }) {
    state.started.update((count) => count + 1);
  },
  onJoin({ user, request }) {
    user.joins.update((count) => count + 1);
    if (new URL(request.url).searchParams.has("fail")) throw new Error("hunter2");
  },
  onLeave({ user, state }) {
    state.log.update((log) => [...log, `${user.id} left`]);
  },
});

describe("a room's life over real sockets", () => {
  it("P3.4: ping is answered without waking the room", async () => {
    const room = testRoom(definition);
    const client = await room.connect();
    await room.evict();
    client.send("ping");
    await client.text("pong");
    // onStart ran only once more. If the ping had woken the room, it would have run twice.
    await client.call("who");
    await client.sees((state: Seen) => state.started === 2);
  });

  it("P2: a session reconnects as the same user, also from several sockets", async () => {
    const room = testRoom(definition);
    const first = await room.connect({ id: "ada" });
    const second = await room.connect({ query: "_pk=ada" });
    expect(second.publicId).toBe(first.publicId);
    const watcher = await room.connect({ id: "bob" });
    first.close();
    await second.call("who");
    expect((watcher.state as Seen).players[first.publicId]?.online).toBe(true);
    second.close();
    await watcher.sees((state: Seen) => state.players[first.publicId]?.online === false);
    const third = await room.connect({ id: "ada" });
    expect(third.publicId).toBe(first.publicId);
    await watcher.sees((state: Seen) => state.players[first.publicId]?.joins === 3);
  });

  it("P2.3: a session with a subject belongs to that subject only", async () => {
    const room = testRoom(definition);
    const ada = await room.connect({ id: "ada", token: await token({ sub: "ada" }) });
    expect((await (await room.open({ id: "ada" })).closed).code).toBe(4403);
    // Another user, who has the same session id by chance and a token of their own, gets a separate session.
    const eve = await room.connect({ id: "ada", token: await token({ sub: "eve" }) });
    expect(eve.publicId).not.toBe(ada.publicId);
    for (const [sub, { publicId }] of [["ada", ada] as const, ["eve", eve] as const]) {
      expect((await room.connect({ id: "ada", token: await token({ sub }) })).publicId).toBe(publicId);
    }
  });

  it("P7: a full room closes with 4503, and accepts users who are already in it", async () => {
    const room = testRoom(definition);
    await room.connect({ id: "a" });
    const b = await room.connect({ id: "b" });
    expect(await (await room.open({ id: "c" })).closed).toEqual({ code: 4503, reason: "The room is full" });
    await room.connect({ id: "a" });
    b.close();
    await b.closed;
    await room.connect({ id: "c" });
  });

  it("the close handshake is completed, with the code and reason of the side that began it", async () => {
    const room = testRoom(definition);
    const client = await room.connect();
    client.close(4123, "bye");
    expect(await client.closed).toEqual({ code: 4123, reason: "bye" });
    const other = await room.connect();
    other.send({ action: "quit" });
    expect(await other.closed).toEqual({ code: 4000, reason: "enough" });
    const third = await room.connect();
    expect((await third.call("badClose")).value).toMatchObject({ code: "internal" });
    expect((await third.call("who")).value["result"]).toMatchObject({ open: 1, params: { id: "1" }, id: "room-1" });
  });

  it("conn.setState accepts a function of the previous state, and keeps the state if it throws", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const room = testRoom(definition);
    const client = await room.connect();
    await client.call("count");
    await client.call("count");
    expect((await client.call("failState")).value).toMatchObject({ code: "internal" });
    await room.evict();
    expect((await client.call("getState")).value["result"]).toBe(2);
    log.mockRestore();
  });

  it("onLeave runs once a user's last connection closed", async () => {
    const room = testRoom(definition);
    const client = await room.connect({ id: "a" });
    const twin = await room.connect({ id: "a" });
    const watcher = await room.connect({ id: "b" });
    const left = () => room.inside((state) => state.log());
    client.close();
    await client.closed;
    // It reaches the room after the close, also through a shard.
    await watcher.call("who");
    expect(await left()).toEqual([]);
    twin.close();
    await watcher.sees((state: { log: string[] }) => state.log.length > 0);
    const last = await room.connect({ id: "c" });
    watcher.close();
    await last.sees((state: { log: string[] }) => state.log.at(-1) === `${watcher.publicId} left`);
    expect(await left()).toEqual([`${client.publicId} left`, `${watcher.publicId} left`]);
  });

  it("an onJoin that throws closes with 1011, and does not affect others", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const room = testRoom(definition);
    const client = await room.connect();
    const broken = await room.open({ query: "fail=1" });
    expect(await broken.closed).toEqual({ code: 1011, reason: "Something went wrong in the room" });
    expect((await client.call("who")).value["result"]).toMatchObject({ open: 1 });
    expect(log.mock.calls.join()).toContain("hunter2");
    log.mockRestore();
  });

  it("a guard that throws closes with 1011, without the reason", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const guarded = defineRoom({
      path: "guarded",
      state: () => ({ a: sync(signal(0)) }),
      guards: [
        async () => {
          await Promise.resolve();
          throw new Error("hunter2");
        },
      ],
    });
    expect(await (await testRoom(guarded, "guarded").open()).closed).toEqual({
      code: 1011,
      reason: "Something went wrong in the room",
    });
    expect(log.mock.calls.join()).toContain("hunter2");
    log.mockRestore();
  });

  it("a session id that is too long is refused", async () => {
    expect((await (await testRoom(definition).open({ id: "x".repeat(300) })).closed).code).toBe(4400);
  });

  it("the connection state survives hibernation, up to its limit", async () => {
    const room = testRoom(definition);
    const client = await room.connect();
    await client.call("setState", { colour: "red" });
    await room.evict();
    expect((await client.call("getState")).value["result"]).toEqual({ colour: "red" });
    expect((await client.call("setState", "x".repeat(20_000))).value).toMatchObject({ code: "internal" });
    expect((await client.call("getState")).value["result"]).toEqual({ colour: "red" });
  });

  it("broadcast reaches all clients but the excepted ones, with a type of the room", async () => {
    const room = testRoom(definition);
    const a = await room.connect({ id: "a" });
    const b = await room.connect({ id: "b" });
    await a.call("tell", "hi");
    expect((await b.until((packet) => packet.type === "chat")).value).toBe("hi");
    expect(a.packets.some((packet) => packet.type === "chat")).toBe(false);
    expect((await a.call("reserved")).value).toMatchObject({ code: "internal" });
  });

  it("room.storage is durable, and separate from the state", async () => {
    const room = testRoom(definition);
    const client = await room.connect();
    await client.call("store", { deep: [1] });
    await room.evict();
    expect((await client.call("fetchStore")).value["result"]).toEqual({ deep: [1] });
    expect(Object.keys(await room.stored())).toContain("$storage:mine");
  });

  it("hibernate: false behaves the same for clients", async () => {
    const awake = defineRoom({
      path: "awake",
      hibernate: false,
      throttleSync: 0,
      state: () => ({ count: sync(signal(0)), players: users(Player) }),
      actions: { add: { run: ({ state }) => state.count.update((count) => count + 1) } },
    });
    const room = testRoom(awake, "awake");
    const a = await room.connect();
    const b = await room.connect();
    a.send("ping");
    await a.text("pong");
    await a.call("add");
    await b.sees((state: { count: number }) => state.count === 1);
    a.close(4001, "done");
    expect(await a.closed).toEqual({ code: 4001, reason: "done" });
    await b.sees((state: Seen) => state.players[a.publicId]?.online === false);
  });

  it("hibernate: false counts binary frames too", async () => {
    const awake = defineRoom({
      path: "awake",
      hibernate: false,
      maxMessageBytes: 100,
      state: () => ({}),
      actions: { answer: { run: () => 42 } },
    });
    const client = await testRoom(awake, "awake").connect({ via: "room" });
    client.send(new ArrayBuffer(3));
    expect((await client.until((packet) => packet.type === "error")).value["code"]).toBe("bad_message");
    expect((await client.call("answer")).value["result"]).toBe(42);
    client.send(new ArrayBuffer(101));
    expect((await client.closed).code).toBe(1009);
  });

  it("hibernate: false asks the runtime to wait for asynchronous actions only", async () => {
    const awake = defineRoom({
      path: "awake",
      hibernate: false,
      state: () => ({}),
      actions: { answer: { run: () => 1 }, later: { run: () => Promise.resolve(2) } },
    });
    const room = testRoom(awake, "awake");
    const client = await room.connect({ via: "room" });
    const waits = await room.inside((_state, _core, ctx) => vi.spyOn(ctx, "waitUntil"));
    expect((await client.call("answer")).value["result"]).toBe(1);
    expect(waits).not.toHaveBeenCalled();
    expect((await client.call("later")).value["result"]).toBe(2);
    expect(waits).toHaveBeenCalledOnce();
  });

  it("tick runs only while a client is connected, with the elapsed time", async () => {
    const ticking = defineRoom({
      path: "tick",
      throttleSync: 0,
      state: () => ({ ticks: sync(signal(0)), elapsed: signal(0) }),
      tick: {
        hz: 100,
        run({ state }, elapsed) {
          state.ticks.update((count) => count + 1);
          state.elapsed.update((sum) => sum + elapsed);
        },
      },
    });
    const room = testRoom(ticking, "tick");
    const client = await room.connect();
    await client.sees((state: Seen) => state.ticks >= 3);
    client.close();
    await client.closed;
    // If a shard has the socket, the room notices a moment later.
    await expect.poll(() => room.inside((_state, core) => core.handle.connections.length)).toBe(0);
    const count = await room.inside((state) => state.ticks());
    await room.evict();
    expect(await room.inside((state) => state.ticks())).toBe(count);
  });
});

describe("a room's life on a virtual clock", () => {
  it("tick keeps its rate, and does not catch up in a burst", async () => {
    const elapsed: number[] = [];
    const room = new MemoryRoom(
      defineRoom({
        path: "r",
        state: () => ({ a: sync(signal(0)) }),
        tick: { hz: 20, run: (_, ms) => void elapsed.push(ms) },
      }).compiled,
    );
    expect(room.clock.pending).toBe(0);
    const socket = await room.connect("x");
    await room.advance(500);
    expect(elapsed).toEqual(Array.from({ length: 10 }, () => 50));
    room.disconnect(socket);
    await room.advance(5000);
    expect(elapsed).toHaveLength(10);
  });

  it("a tick that throws continues, and onError is called", async () => {
    const errors: unknown[] = [];
    let ticks = 0;
    const room = new MemoryRoom(
      defineRoom({
        path: "r",
        state: () => ({ a: sync(signal(0)) }),
        tick: {
          hz: 10,
          run() {
            ticks++;
            throw new Error("tick");
          },
        },
        onError({ error }) {
          errors.push(error);
          throw new Error("onError itself");
        },
      }).compiled,
    );
    await room.connect("x");
    await room.advance(300);
    expect([ticks, errors.length]).toEqual([3, 3]);
    expect(room.log.some((entry) => entry.event === "onError_failed")).toBe(true);
  });

  it("a user whose session expired is removed, with everything that was stored", async () => {
    const room = new MemoryRoom<{ players(): Record<string, Player> }>(
      defineRoom({ path: "r", sessionExpiryTime: 60_000, state: () => ({ players: users(Player) }) }).compiled,
    );
    const socket = await room.connect("ada");
    await room.connect("bob");
    room.disconnect(socket);
    await room.advance(59_000);
    expect(Object.keys(room.state.players())).toHaveLength(2);
    await room.advance(5000);
    expect(Object.keys(room.state.players())).toHaveLength(1);
    expect([...room.storage.rows.keys()].filter((key) => key.includes("ada"))).toEqual([]);
    expect([...room.storage.rows.keys()].filter((key) => key.startsWith("players."))).toHaveLength(1);
  });

  it("P7.11: after a crash only users who reconnect stay online", async () => {
    const room = new MemoryRoom<{ players(): Record<string, Player> }>(
      defineRoom({ path: "r", sessionExpiryTime: 60_000, state: () => ({ players: users(Player) }) }).compiled,
    );
    await room.connect("ada");
    await room.advance(2000);
    room.crash();
    const online = () => Object.values(room.state.players()).map((player) => player.online());
    expect(online()).toEqual([true]);
    await room.advance(11_000);
    expect(online()).toEqual([false]);
    await room.advance(70_000);
    expect(Object.keys(room.state.players())).toEqual([]);
    expect([...room.storage.rows.keys()]).toEqual(["."].filter((key) => room.storage.rows.has(key)));
  });

  it("waits for an async onStart before any other event", async () => {
    const started = Promise.withResolvers<void>();
    const room = new MemoryRoom<{ a(): number }>(
      defineRoom({
        path: "r",
        throttleSync: 0,
        state: () => ({ a: sync(signal(0)) }),
        async onStart({ state }) {
          await started.promise;
          state.a.set(7);
        },
      }).compiled,
    );
    const joining = room.connect("x");
    await Promise.resolve();
    expect(room.sockets).toHaveLength(0);
    started.resolve();
    expect((await joining).texts[0]).toContain('"a":7');
  });
});
