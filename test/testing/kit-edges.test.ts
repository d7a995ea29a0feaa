import { computed, signal } from "@signe/reactive";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { testRoom } from "../../src/testing/index.ts";

const counter = (hibernate: boolean, throttleStorage?: number) =>
  defineRoom({
    path: "counter",
    hibernate,
    throttleStorage,
    state: () => ({ count: sync(signal(0)) }),
    actions: {
      add: { input: z.number(), run: ({ state }, by) => state.count.update((count) => count + by) },
      slow: {
        async run({ state }) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          state.count.update((count) => count + 1);
          return "done" as const;
        },
      },
      who: { run: ({ auth }) => auth?.["role"] ?? null },
    },
  });

describe("a client of testRoom", () => {
  it("resolves send only after the room has handled it, however many are in transit", async () => {
    const { createClient, room } = await testRoom(counter(true));
    const client = await createClient();
    const counts = await Promise.all(
      [1, 2, 3].map(async (atLeast) => {
        await client.send({ action: "slow" });
        return room.state.count() >= atLeast;
      }),
    );
    expect(counts).toEqual([true, true, true]);
    expect(client.state.count).toBe(3);
  });

  it("sends to a room that does not hibernate", async () => {
    const { createClient, room, server, expectConverged } = await testRoom(counter(false));
    const client = await createClient();
    await client.send({ action: "add", value: 2 });
    expect(room.state.count()).toBe(2);
    await expect(server.evict()).rejects.toThrow("hibernate: false");
    await expectConverged();
    client.close();
    await client.closed;
    await server.evict();
    expect(room.state.count()).toBe(2);
  });

  it("has the types of the room, and may send what the room refuses", async () => {
    const { createClient } = await testRoom(counter(true));
    const client = await createClient();
    expectTypeOf(client.state.count).toEqualTypeOf<number>();
    const result = await client.call("slow");
    expectTypeOf(result).toEqualTypeOf<"done">();
    expect(result).toBe("done");
    await expect(client.call("add", "no number")).rejects.toMatchObject({ code: "invalid_input" });
    await expect(client.call("fly")).rejects.toMatchObject({ code: "unknown_action" });
  });

  it("knows its public id immediately, also if no packet contains it", async () => {
    class Player {
      x = sync(signal(0));
    }
    for (const autoSync of [true, false]) {
      const definition = defineRoom({ path: "who", autoSync, state: () => ({ players: users(Player) }), actions: {} });
      const { createClient, room } = await testRoom(definition);
      const client = await createClient();
      expectTypeOf(client.publicId).toEqualTypeOf<string>();
      expect(Object.keys(room.state.players())).toEqual([client.publicId]);
      expect(client.packets).toHaveLength(autoSync ? 1 : 0);
    }
  });

  it("also connects if an interceptor drops its first packet", async () => {
    const definition = defineRoom({ path: "deaf", state: () => ({}), actions: {}, interceptorPacket: () => null });
    const client = await (await testRoom(definition)).createClient();
    expect([client.isOpen, client.packets]).toEqual([true, []]);
  });

  it("has the claims of the test, unless it gives its own", async () => {
    const { createClient } = await testRoom(counter(true), { auth: { role: "admin" } });
    expect(await (await createClient()).call("who")).toBe("admin");
    expect(await (await createClient({ auth: { role: "guest" } })).call("who")).toBe("guest");
    expect(await (await createClient({ auth: null })).call("who")).toBeNull();
  });

  it("has the changes when change and advance are done", async () => {
    const room1 = defineRoom({ path: "r", throttleSync: 100, state: () => ({ count: sync(signal(0)) }), actions: {} });
    const { createClient, room, server } = await testRoom(room1);
    const client = await createClient();
    await server.advance(100);
    await room.change((state) => state.count.set(1));
    expect(client.state.count).toBe(1);
    await room.change((state) => state.count.set(2));
    expect(client.state.count).toBe(1);
    await server.advance(100);
    expect(client.state.count).toBe(2);
  });
});

describe("server", () => {
  it("evicts without waiting for the save, which is done first", async () => {
    // To wait for the save would take longer than this test may.
    const { createClient, room, server } = await testRoom(counter(true, 60_000));
    const client = await createClient();
    await client.send({ action: "add", value: 1 });
    await server.evict();
    expect(room.state.count()).toBe(1);
    expect(client.isOpen).toBe(true);
  });

  it("crashes only the one room", async () => {
    const [one, two] = await Promise.all([testRoom(counter(true)), testRoom(counter(true))]);
    const lost = await one.createClient();
    const kept = await two.createClient();
    await one.server.crash();
    await kept.send({ action: "add", value: 1 });
    expect([lost.isOpen, kept.isOpen, kept.state.count]).toEqual([false, true, 1]);
  });
});

describe("expectConverged", () => {
  const fails = (): never => {
    throw new Error("on purpose");
  };

  it("knows the rules for hidden, dotted, nested or unreadable values", async () => {
    const definition = defineRoom({
      path: "rules",
      throttleSync: 0,
      state: () => ({
        secrets: collection(() => ({ value: sync(signal(1)) }), { visibleTo: ({ auth }) => auth?.["gm"] === true }),
        dotted: sync(signal<Record<string, number>>({})),
        inner: sync(computed(() => ({ deep: signal(1) }))),
        hidden: sync(signal(1), { visibleTo: fails }),
        broken: sync(signal(1), { transform: fails }),
        players: users(
          class {
            x = sync(signal(0));
          },
        ),
      }),
      actions: { dot: { run: ({ state }) => void (state.dotted()["a.b"] = 1) } },
    });
    const { createClient, room, expectConverged } = await testRoom(definition);
    // Two tabs of the same user with different claims.
    const plain = await createClient({ id: "ada", auth: { sub: "ada" } });
    const master = await createClient({ id: "ada", auth: { sub: "ada", gm: true } });
    await plain.send({ action: "dot" });
    await room.change((state) => void (state.secrets()["one"] = { value: sync(signal(3)) }));
    expect(plain.state.dotted).toEqual({ a: { b: 1 } });
    expect(master.state.secrets).toEqual({ one: { value: 3 } });
    expect(plain.state).not.toHaveProperty("secrets.one");
    await expectConverged();
  });

  it("names the client that did not get a change, and the path that differs", async () => {
    const definition = defineRoom({
      path: "dropped",
      throttleSync: 0,
      state: () => ({ count: sync(signal(0)) }),
      actions: {},
      interceptorPacket: ({ state }, packet) => (state.count() === 7 ? null : packet),
    });
    const { createClient, room, expectConverged } = await testRoom(definition);
    const client = await createClient();
    await room.change((state) => state.count.set(7));
    await expect(expectConverged()).rejects.toThrow(`The client ${client.publicId} differs at count: it sees 0, not 7`);
  });

  it("refuses clients without claims if a token is required, as the Worker does", async () => {
    const definition = defineRoom({
      path: "closed",
      auth: "required",
      state: () => ({ count: sync(signal(0)) }),
      requests: { "GET /count": { run: ({ state }) => ({ count: state.count() }) } },
    });
    const { createClient, room } = await testRoom(definition);
    await expect(createClient()).rejects.toMatchObject({ code: 4401 });
    expect((await room.fetch("/count")).status).toBe(401);
    expect((await room.fetch("/count", { auth: { sub: "ada" } })).status).toBe(200);
    expect((await createClient({ auth: { sub: "ada" } })).state).toEqual({ count: 0 });
  });
});
