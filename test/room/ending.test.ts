import { signal } from "@signe/reactive";
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, persist, sync } from "../../src/state/fields.ts";
import { objectName } from "../../src/protocol/urls.ts";
import { serve, shared } from "../../src/testing/registry.ts";
import type { RoomObject } from "../../src/testing/room-object.ts";
import { testRoom } from "../../src/testing/test-room.ts";

/** What the hooks of a test recorded, in order. */
const said: string[] = [];
class Player {
  name = sync(signal(""));
  online = connected();
}
const stateOf = () => ({
  made: sync(signal(0)),
  secret: persist(signal("")),
  players: users(Player),
  items: collection(() => ({ n: sync(signal(0)) })),
});

function roomOf(options: { expireAfter?: number; throttleStorage?: number; sessionExpiryTime?: number } = {}) {
  said.length = 0;
  return defineRoom({
    path: "r-{id}",
    state: stateOf,
    ...options,
    onCreate({ state }) {
      said.push("create");
      state.made.update((made) => made + 1);
      state.secret.set("stored");
    },
    onStart: () => void said.push("start"),
    onDestroy: ({ reason, state }) => void said.push(`destroy ${reason} ${state.made()}`),
    onExpire: ({ user, publicId, reason }) => void said.push(`expire ${user?.name()} ${reason} ${publicId.length}`),
    onLeave: ({ user, reason }) => void said.push(`leave ${user.name()} ${reason}`),
    schedules: { later: { run: () => void said.push("later") } },
    actions: {
      name: { run: ({ user }, name) => user.name.set(name as string) },
      item: { run: ({ state }, key) => void (state.items()[key as string] = { n: sync(signal(1)) }) },
      later: { run: ({ room }, ms) => room.schedule("later", ms as number) },
      destroy: {
        run({ room, state }) {
          state.made.set(9);
          room.destroy({ reason: "over" });
          return "done";
        },
      },
      close: { run: ({ conn }) => conn.close(4000, "enough") },
      kick: { run: ({ state }, publicId) => void delete state.players()[publicId as string] },
      forget: { run: ({ room }, publicId) => room.forget(publicId as string) },
    },
    requests: { "POST /destroy": { run: ({ room }) => room.destroy() } },
  });
}

const ofUser = (rows: object) => Object.keys(rows).filter((key) => /players|session|apart|token|moved/.test(key));

describe("onCreate", () => {
  it("runs once in the life of a room, before onStart, and its changes are stored at once", async () => {
    const { room, server, createClient } = await testRoom(roomOf({ throttleStorage: 60_000 }));
    expect(said).toEqual(["create", "start"]);
    await server.crash();
    expect(room.state.secret()).toBe("stored");
    await createClient();
    await server.evict();
    await server.crash();
    expect(room.state.made()).toBe(1);
    expect(said).toEqual(["create", "start", "start", "start", "start"]);
  });

  it("does not run in a room that existed before the definition had it", async () => {
    const id = crypto.randomUUID();
    const party = await testRoom(defineRoom({ path: "r-{id}", state: stateOf }), { id: `r-${id}` });
    await party.createClient();
    expect(await party.server.roomStorage.get("$created")).toBeUndefined();
  });

  it("does not stop a room from starting if it throws", async () => {
    const { createClient, room } = await testRoom(
      defineRoom({
        path: "r",
        state: stateOf,
        onCreate() {
          throw new Error("broken");
        },
      }),
    );
    await createClient();
    expect(room.state.made()).toBe(0);
  });
});

describe("room.destroy", () => {
  it("answers first, then closes all clients with 4410, and deletes everything", async () => {
    const { createClient, server } = await testRoom(roomOf());
    const ann = await createClient();
    const bob = await createClient();
    await ann.send({ action: "name", value: "ann" });
    await bob.send({ action: "item", value: "i" });
    expect(await ann.call("destroy", undefined as never)).toBe("done");
    expect(await ann.closed).toEqual({ code: 4410, reason: "over" });
    expect(await bob.closed).toEqual({ code: 4410, reason: "over" });
    await server.advance(0);
    expect(said.slice(2, 7).toSorted()).toEqual([
      "destroy over 9",
      "expire  destruction 12",
      "expire ann destruction 12",
      "leave  kicked",
      "leave ann kicked",
    ]);
    const rows = await server.roomStorage.list();
    expect(Object.keys(rows).filter((key) => key.startsWith("players") || key.startsWith("items"))).toEqual([]);
    expect(ofUser(rows)).toEqual([]);
  });

  it("makes room for a new one without any data of the old", async () => {
    const { createClient, room } = await testRoom(roomOf());
    const ann = await createClient({ id: "a".repeat(30) });
    await ann.send({ action: "name", value: "ann" });
    await room.fetch("/destroy", { method: "POST" });
    expect(await ann.closed).toEqual({ code: 4410, reason: "The room was destroyed" });
    said.length = 0;
    const again = await createClient({ id: "a".repeat(30) });
    expect(said).toEqual(["create", "start"]);
    expect(again.publicId).not.toBe(ann.publicId);
    expect(again.state).toMatchObject({ made: 1, players: { [again.publicId]: { name: "" } } });
  });

  it("makes new clients wait for the new room, also if it crashes meanwhile", async () => {
    let release = () => {};
    const slow = defineRoom({
      path: "r",
      throttleStorage: 0,
      state: stateOf,
      onDestroy: () => new Promise<void>((resolve) => (release = resolve)),
      actions: {
        make: { run: ({ state }) => state.made.set(5) },
        destroy: { run: ({ room }) => room.destroy() },
      },
    });
    const { createClient, server, room } = await testRoom(slow);
    const ann = await createClient();
    await ann.send({ action: "make" });
    await ann.call("destroy");
    const waiting = createClient();
    await room.change(() => release());
    expect((await ann.closed).code).toBe(4410);
    const bob = await waiting;
    expect(bob.state).toMatchObject({ made: 0 });
    await bob.send({ action: "make" });
    await bob.call("destroy");
    await server.crash();
    await room.change(() => {}); // it wakes, and continues to end
    await room.change(() => release());
    const cid = await createClient();
    expect(cid.state).toMatchObject({ made: 0, players: { [cid.publicId]: {} } });
    expect(Object.keys((cid.state as { players: object }).players)).toEqual([cid.publicId]);
  });

  it("lets nothing of the old room return: no schedule, no save, no session", async () => {
    const { createClient, room, server } = await testRoom(roomOf({ throttleStorage: 1000 }));
    const ann = await createClient();
    await ann.send({ action: "later", value: 5000 });
    await ann.send({ action: "item", value: "i" });
    await ann.send({ action: "name", value: "ann" });
    await room.fetch("/destroy", { method: "POST" });
    await ann.closed;
    await server.advance(0);
    said.length = 0;
    const before = await server.roomStorage.list();
    await server.advance(400_000);
    await server.evict();
    await server.advance(400_000);
    const after = await server.roomStorage.list();
    expect(Object.keys(after).filter((key) => key !== "$counts")).toEqual(
      Object.keys(before).filter((key) => key !== "$counts"),
    );
    expect(ofUser(after)).toEqual([]);
    expect(said).not.toContain("later");
    expect(room.state.items()).toEqual({});
  });
});

/** What a room has left on the platform. Does not wake the room. */
async function leftOf(party: string, id: string) {
  const stub = env.ROOMS.get(env.ROOMS.idFromName(objectName(party, id)));
  return runInDurableObject(stub, async (_, { storage }) => ({
    rows: [...(await storage.list()).keys()],
    alarm: await storage.getAlarm(),
  }));
}

describe("the stored data of a destroyed room", () => {
  it.each(["by a request", "by its alarm"])("is empty, without an alarm: %s", async (how) => {
    const room = roomOf({ expireAfter: 60_000, throttleStorage: 0 });
    const party = serve(room);
    const stub = env.ROOMS.get(env.ROOMS.idFromName(objectName(party, "r-1")));
    const url = `http://rooms.test/parties/${party}/r-1`;
    const { webSocket } = await stub.fetch(`${url}?id=ann`, { headers: { upgrade: "websocket" } });
    webSocket?.accept();
    webSocket?.send('{"action":"item","value":"i"}');
    await vi.waitFor(async () => expect((await leftOf(party, "r-1")).rows).toContain("items.i"));
    const closed = new Promise<CloseEvent>((resolve) => webSocket?.addEventListener("close", resolve));
    if (how === "by a request") {
      await stub.fetch(`${url}/destroy`, { method: "POST" });
      expect(await closed).toMatchObject({ code: 4410 });
    } else {
      webSocket?.close(1000);
      await vi.waitFor(() => expect(said).toContain("leave  closed"));
      shared().ahead.set(objectName(party, "r-1"), 61_000);
      await runInDurableObject(stub, (instance) => (instance as unknown as RoomObject).ring());
    }
    await vi.waitFor(async () => expect(await leftOf(party, "r-1")).toEqual({ rows: [], alarm: null }));
  });
});

describe("expireAfter", () => {
  it("destroys a room that no client visits, also if it hibernates or crashes meanwhile", async () => {
    const { createClient, server, room } = await testRoom(roomOf({ expireAfter: 60_000 }));
    const ann = await createClient();
    await ann.send({ action: "item", value: "i" });
    await server.advance(120_000);
    expect(room.state.items()).toHaveProperty("i");
    ann.close();
    await ann.closed;
    await server.advance(30_000);
    await server.evict();
    await server.crash();
    expect(Object.keys(await server.roomStorage.list())).toContain("items.i");
    await server.advance(29_000);
    expect(said.filter((text) => text.startsWith("destroy"))).toEqual([]);
    await server.advance(2000);
    expect(said).toContain("destroy expired 1");
    expect(Object.keys(await server.roomStorage.list()).filter((key) => key.startsWith("items"))).toEqual([]);
  });

  it("starts again with each visit", async () => {
    const { createClient, server, room } = await testRoom(roomOf({ expireAfter: 60_000 }));
    for (let visit = 0; visit < 3; visit++) {
      const ann = await createClient();
      await ann.send({ action: "item", value: `i${visit}` });
      ann.close();
      await ann.closed;
      await server.advance(50_000);
    }
    expect(Object.keys(room.state.items())).toEqual(["i0", "i1", "i2"]);
    expect(said.filter((text) => text.startsWith("destroy"))).toEqual([]);
  });
});

describe("onLeave and onExpire", () => {
  it("get the reason", async () => {
    const { createClient, server } = await testRoom(roomOf({ sessionExpiryTime: 10_000 }));
    const host = await createClient();
    /** Sends an action. A removed user gets no more marks, so the kit waits until they are closed a second later. */
    const act = async (action: string, value: unknown) => {
      const sent = host.send({ action, value });
      await server.advance(1500);
      await sent;
    };
    const named = async (name: string) => {
      const client = await createClient({ query: { protocol: "2" } });
      await client.send({ action: "name", value: name });
      return client;
    };
    const [ann, bob, cid, dan] = [await named("ann"), await named("bob"), await named("cid"), await named("dan")];
    said.length = 0;
    ann.close();
    await ann.closed;
    await server.advance(0);
    expect(said).toEqual(["leave ann closed"]);
    await bob.send({ action: "close" });
    expect(await bob.closed).toEqual({ code: 4000, reason: "enough" });
    expect(said.splice(0)).toEqual(["leave ann closed", "leave bob kicked"]);
    await act("kick", cid.publicId);
    expect(said.splice(0)).toEqual(["leave cid kicked"]);
    await server.advance(20_000);
    expect(said.splice(0).toSorted()).toEqual(["expire ann time 12", "expire bob time 12", "expire undefined time 12"]);
    dan.close();
    await dan.closed;
    await act("kick", dan.publicId);
    expect(said.splice(0)).toEqual(["leave dan closed", "expire dan removal 12"]);
    await server.advance(20_000);
    expect(said).toEqual([]);
  });
});

describe("room.forget", () => {
  it("deletes everything that is stored of a user, online or offline, and calls onExpire", async () => {
    const { createClient, server, room } = await testRoom(roomOf());
    const host = await createClient();
    const ann = await createClient({ id: "a".repeat(30), query: { protocol: "2" } });
    await ann.send({ action: "name", value: "ann" });
    await ann.call("name", "ann");
    const bob = await createClient({ id: "b".repeat(30) });
    await bob.send({ action: "name", value: "bob" });
    bob.close();
    await bob.closed;
    await server.advance(2000);
    said.length = 0;
    const forgotten = host.send({ action: "forget", value: ann.publicId });
    await server.advance(1500);
    await forgotten;
    expect(await ann.closed).toMatchObject({ code: 4403 });
    await host.send({ action: "forget", value: bob.publicId });
    expect(said).toEqual(["leave ann kicked", "expire ann removal 12", "expire bob removal 12"]);
    const rows = Object.entries(await server.roomStorage.list());
    // The changes are left out, because they tell returning clients which entries were removed.
    const text = JSON.stringify(rows.filter(([key]) => !key.startsWith("$changes:")));
    // Random ids may contain a shorter text.
    const traces = ['"ann"', '"bob"', ann.publicId, bob.publicId, "a".repeat(30), "b".repeat(30)];
    for (const trace of traces) expect(text).not.toContain(trace);
    expect(Object.keys(room.state.players())).toEqual([host.publicId]);
    await server.crash();
    const again = await createClient({ id: "b".repeat(30) });
    expect(again.publicId).not.toBe(bob.publicId);
    expect(again.state).toMatchObject({ players: { [again.publicId]: { name: "" } } });
  });
});
