import { signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { RoomError } from "../../src/protocol/errors.ts";
import { users } from "../../src/app/users.ts";
import { connected, sync } from "../../src/state/fields.ts";
import { testRoom } from "../../src/testing/index.ts";

const gameRoom = defineRoom({
  path: "game-{id}",
  state: () => ({ count: sync(signal(0)) }),
  actions: { increment: { run: ({ state }) => state.count.update((count) => count + 1) } },
});

describe("testRoom", () => {
  it("is exactly the example of the documentation", async () => {
    const fn = vi.fn();
    const { createClient, room, server } = await testRoom(gameRoom); // a real Durable Object in workerd
    const client1 = await createClient();
    const client2 = await createClient();
    client1.addEventListener("message", fn); // fn gets the raw text
    client2.addEventListener("message", fn);
    await client1.send({ action: "increment" }); // resolves when the room has handled it
    expect(fn).toHaveBeenCalledTimes(2);
    expect(fn).toHaveBeenCalledWith('{"type":"sync","value":{"count":1}}');
    expect(room.state.count()).toBe(1);
    expect(await server.roomStorage.get(".")).toEqual({ count: 1 });
    await server.evict(); // hibernates: sockets stay, the memory is lost
    expect(room.state.count()).toBe(1);
    await client2.send({ action: "increment" });
    expect(fn).toHaveBeenCalledTimes(4);
    expect(room.state.count()).toBe(2);
  });

  it("has each row in its place, however busy three clients were", async () => {
    class Walker {
      x = sync(signal(0));
    }
    const walk = defineRoom({
      path: "walk-{id}",
      throttleStorage: 100,
      state: () => ({ count: sync(signal(0)), walkers: users(Walker) }),
      actions: {
        step: {
          run({ state, user }) {
            state.count.update((count) => count + 1);
            user.x.update((x) => x + 1);
          },
        },
      },
    });
    const { createClient, server } = await testRoom(walk);
    const clients = [await createClient(), await createClient(), await createClient()];
    for (let round = 1; round <= 5; round++) {
      for (const client of clients) await client.send({ action: "step" });
      await server.advance(100);
    }
    expect(await server.roomStorage.get(".")).toEqual({ count: 15 });
    for (const { publicId } of clients) expect(await server.roomStorage.get(`walkers.${publicId}`)).toEqual({ x: 5 });
    await server.evict();
    expect(await server.roomStorage.get(".")).toEqual({ count: 15 });
  });

  class Player {
    x = sync(signal(0));
    online = connected();
    hand = sync(signal<string[]>([]), { visibleTo: "owner" });
  }
  const table = defineRoom({
    path: "table-{id}",
    maxUsers: 2,
    throttleSync: 100,
    throttleStorage: 1000,
    sessionExpiryTime: 60_000,
    state: () => ({
      config: sync(signal({ map: { width: 1 }, list: [{ a: 1 }] })),
      turn: sync(signal(0)),
      players: users(Player),
    }),
    guards: [({ auth }) => auth?.["banned"] !== true],
    actions: {
      move: { input: z.object({ x: z.number() }), run: ({ user }, { x }) => user.x.set(x) },
      draw: { run: ({ user }) => user.hand().push("ace") },
      next: { run: ({ state }) => state.turn.update((turn) => turn + 1) },
      silent: { run: ({ state }) => void (state.config().map.width = 9) },
      loud: { run: ({ state }) => state.config.mutate((config) => void (config.map.width = 9)) },
      who: { run: ({ auth, conn }) => ({ role: auth?.["role"], session: conn.sessionId }) },
      leave: { run: ({ conn }) => conn.close(4000, "bye") },
    },
    requests: { "GET /turn": { run: ({ state, auth }) => ({ turn: state.turn(), sub: auth?.["sub"] }) } },
  });

  it("calls actions with results and typed errors, and passes claims and session ids", async () => {
    const { createClient, room } = await testRoom(table, { id: "table-7" });
    const client = await createClient({ id: "ada", auth: { role: "admin" } });
    expect(await client.call("who")).toEqual({ role: "admin", session: "ada" });
    const refusal = await client.call("move", { x: "no" }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(RoomError);
    expect(refusal).toMatchObject({ code: "invalid_input", issues: [{ path: ["x"] }] });
    expect(await (await room.fetch("/turn", { auth: { sub: "ada" } })).json()).toEqual({ turn: 0, sub: "ada" });
    expect(room.id).toBe("table-7");
  });

  it("reports refused and closed connections", async () => {
    const { createClient } = await testRoom(table);
    const client = await createClient();
    await createClient();
    await expect(createClient()).rejects.toMatchObject({ code: 4503, reason: "The room is full" });
    await expect(createClient({ auth: { banned: true } })).rejects.toMatchObject({ code: 4403 });
    await client.send({ action: "leave" });
    expect(await client.closed).toEqual({ code: 4000, reason: "bye" });
    await expect(createClient()).resolves.toBeDefined();
  });

  it("advances time without waiting: throttles, storage and expiry", async () => {
    const { createClient, room, server, expectConverged } = await testRoom(table);
    const ada = await createClient({ id: "ada" });
    const bob = await createClient();
    await server.advance(100);
    await ada.send({ action: "move", value: { x: 1 } });
    await ada.send({ action: "move", value: { x: 2 } });
    const x = () => bob.state.players[ada.publicId]?.x;
    expect(x()).toBe(1);
    await server.advance(100);
    await bob.send({ action: "who" });
    expect(x()).toBe(2);
    await expectConverged();
    ada.close();
    await ada.closed;
    await server.advance(59_000);
    expect(Object.keys(room.state.players())).toHaveLength(2);
    await server.advance(2000);
    expect(Object.keys(room.state.players())).toHaveLength(1);
    expect(Object.keys(await server.roomStorage.list()).filter((key) => key.includes("ada"))).toEqual([]);
  });

  it("crash loses unsaved changes and sockets; evict loses neither", async () => {
    const { createClient, room, server, expectConverged } = await testRoom(table);
    const client = await createClient({ id: "ada" });
    await client.send({ action: "next" });
    await server.evict();
    expect(room.state.turn()).toBe(1);
    await client.send({ action: "draw" });
    await server.advance(200);
    await client.send({ action: "who" });
    await expectConverged();
    await client.send({ action: "next" });
    await server.crash();
    expect((await client.closed).code).toBe(1006);
    expect(room.state.turn()).toBe(1);
    const again = await createClient({ id: "ada" });
    expect(again.publicId).toBe(client.publicId);
    await expectConverged();
  });

  it("evicts a room that ticks, which continues to tick", async () => {
    const ticking = defineRoom({
      path: "tick",
      state: () => ({ ticks: sync(signal(0)) }),
      tick: { hz: 100, run: ({ state }) => state.ticks.update((ticks) => ticks + 1) },
    });
    const { createClient, room, server } = await testRoom(ticking);
    const client = await createClient();
    await server.advance(1000);
    const before = room.state.ticks();
    expect(before).toBeGreaterThanOrEqual(90);
    await server.evict();
    await client.until(() => client.state.ticks > before + 2);
  });

  it("finds values that were changed in place, which signals do not notice", async () => {
    const { createClient, room, server, expectConverged } = await testRoom(table);
    const client = await createClient();
    await client.send({ action: "loud" });
    await expectConverged();
    await room.change((state) => state.config.set({ map: { width: 1 }, list: [] }));
    // While the new value is waiting to be sent, nothing is reported as lost.
    await client.send({ action: "silent" });
    await server.advance(100);
    await room.change((state) => state.config.set({ map: { width: 1 }, list: [] }));
    await server.advance(100);
    await expect(client.send({ action: "silent" })).rejects.toThrow("config was changed in place");
    await expect(expectConverged()).rejects.toThrow("config was changed in place");
  });

  it("refuses a state whose signals are shared by all rooms", async () => {
    const score = sync(signal(0));
    const nested = defineRoom({ path: "shared", state: () => ({ game: { score } }) });
    await expect(testRoom(nested)).rejects.toThrow(
      "game.score is the same signal in all rooms: make it inside state()",
    );
    const things = sync(signal<Record<string, number>>({}));
    const collected = defineRoom({ path: "shared", state: () => ({ a: sync(signal(0)), things }) });
    await expect(testRoom(collected)).rejects.toThrow("things is the same signal");
  });

  it("has clients that join with params, and spectators, who see what they should", async () => {
    class Player {
      name = sync(signal(""));
      hand = sync(signal("ace"), { visibleTo: "owner" });
    }
    const named = defineRoom({
      path: "named-{id}",
      join: { input: z.object({ name: z.string() }) },
      spectators: true,
      maxUsers: 1,
      state: () => ({
        round: sync(signal(0)),
        hint: sync(signal("psst"), { visibleTo: () => true }),
        players: users(Player),
      }),
      actions: { next: { run: ({ state }) => state.round.update((round) => round + 1) } },
      onJoin: ({ user, join }) => user.name.set(join.name),
    });
    const { createClient, server, expectConverged } = await testRoom(named);
    const ada = await createClient({ params: { name: "Ada" } });
    const spectator = await createClient({ spectator: true });
    const seen = { round: 0, players: { [ada.publicId]: { name: "Ada" } } };
    expect(spectator.state).toEqual(seen);
    await expectConverged();
    await server.evict();
    await ada.call("next");
    expect(spectator.state).toEqual({ ...seen, round: 1 });
    await expect(spectator.call("next")).rejects.toMatchObject({ code: "forbidden" });
    await expectConverged();
    await expect(createClient()).rejects.toMatchObject({ code: 4400 });
  });

  it("calls an action as another room does", async () => {
    const board = defineRoom({
      path: "board-{id}",
      state: () => ({ best: sync(signal(0)) }),
      actions: {
        add: {
          from: "rooms",
          input: z.number(),
          run({ state, caller }, score) {
            if (score < 0) throw new RoomError("forbidden", "Not below 0");
            state.best.set(score);
            return `${caller.id} ${score}`;
          },
        },
      },
    });
    const { room, createClient, expectConverged } = await testRoom(board);
    const client = await createClient();
    expect(await room.call("add", 5)).toBe("caller 5");
    expect(client.state).toEqual({ best: 5 });
    await expectConverged();
    await expect(room.call("add", -1)).rejects.toMatchObject({ code: "forbidden" });
    await expect(client.call("add", 1)).rejects.toMatchObject({ code: "forbidden" });
  });
});
