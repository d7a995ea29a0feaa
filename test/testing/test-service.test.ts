import { signal } from "@signe/reactive";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { transfers } from "../../src/app/transfers.ts";
import { jwt } from "../../src/auth/jwt.ts";
import { users } from "../../src/app/users.ts";
import { connected, sync } from "../../src/state/fields.ts";
import { testService } from "../../src/testing/index.ts";
import { worlds } from "../../src/worlds.ts";

class Player {
  name = sync(signal("nobody"));
  online = connected();
}

const board = defineRoom({
  path: "board",
  state: () => ({ best: sync(signal(0)) }),
  actions: {
    add: {
      from: "rooms",
      input: z.number(),
      run({ state, caller }, score) {
        state.best.update((best) => Math.max(best, score));
        return caller.id;
      },
    },
  },
});

const game = defineRoom({
  path: "game-{id}",
  maxUsers: 2,
  throttleSync: 0,
  sessionExpiryTime: 60_000,
  state: () => ({ count: sync(signal(0)), players: users(Player) }),
  actions: {
    rename: { input: z.string(), run: ({ user }, name) => user.name.set(name) },
    add: { input: z.number(), run: ({ state }, by) => state.count.update((count) => count + by) },
    report: { run: ({ state, room }) => room.call(board, { party: "boards", id: "board" }, "add", state.count()) },
    go: { input: z.string(), run: async ({ room, conn }, to) => room.sessionTransfer(conn, to) },
    who: { run: ({ auth, room }) => `${String(auth?.["sub"])} in ${room.party}` },
  },
  requests: { "GET /count": { run: ({ state, auth }) => ({ count: state.count(), sub: auth?.["sub"] ?? null }) } },
});

const listed = defineRoom({
  path: "duel-{id}",
  maxUsers: 2,
  state: () => ({ players: users(Player) }),
  onStart: ({ room }) => room.setListing({ level: 3 }),
});

const closed = defineRoom({ path: "closed", auth: "required", state: () => ({ count: sync(signal(1)) }) });

const config = { rooms: [game], parties: { boards: [board] }, transfers };

describe("testService", () => {
  it("runs rooms that call each other, in the parties of the service", async () => {
    const service = await testService(config);
    const { createClient } = await service.room(game, { id: "game-1" });
    const { room, createClient: watch } = await service.room(board);
    const ada = await createClient();
    const page = await watch();
    expectTypeOf(page.state.best).toEqualTypeOf<number>();
    await ada.call("add", 7);
    expect(await ada.call("report")).toBe("game-1");
    expect(await ada.call("who")).toBe("undefined in main");
    await service.expectConverged();
    expect([room.state.best(), page.state.best]).toEqual([7, 7]);
  });

  it("separates two services with rooms of the same ids", async () => {
    const [one, two] = [await testService(config), await testService(config)];
    const first = await one.room(game, { id: "game-1" });
    const second = await two.room(game, { id: "game-1" });
    await (await first.createClient()).call("add", 1);
    expect([first.room.state.count(), second.room.state.count()]).toEqual([1, 0]);
  });

  it("moves a user to another room, with their values, also if a room crashes meanwhile", async () => {
    const service = await testService(config);
    const here = await service.room(game, { id: "game-1" });
    const there = await service.room(game, { id: "game-2" });
    const ada = await here.createClient({ id: "ada" });
    await ada.call("rename", "Ada");
    const bob = await here.createClient({ id: "bob" });
    const transferToken = (await ada.call("go", "game-2")) ?? "";
    expect(transferToken).toHaveLength(43);
    await bob.call("add", 1);
    expect([ada.hasLeft, Object.keys(bob.state.players)]).toEqual([true, [bob.publicId]]);
    await there.server.crash();
    const moved = await there.createClient({ id: "ada", transferToken });
    expect(moved.state.players[moved.publicId]?.name).toBe("Ada");
    await expect(ada.call("add", 1)).rejects.toMatchObject({ code: "forbidden" });
    await service.expectConverged();
  });

  it("answers HTTP requests as the Worker does, with real tokens and with claims", async () => {
    const service = await testService({ rooms: [game, closed], auth: jwt({ secret: "AUTH_JWT_SECRET" }) });
    const { room, createClient } = await service.room(closed);
    const token = await service.token({ sub: "ada" });
    await expect(createClient()).rejects.toMatchObject({ code: 4401 });
    await expect(createClient({ token: `${token}x` })).rejects.toMatchObject({ code: 4401 });
    expect((await createClient({ token })).state).toEqual({ count: 1 });
    expect((await createClient({ auth: { sub: "bob" } })).state).toEqual({ count: 1 });
    expect((await room.fetch("/nothing")).status).toBe(401);
    expect((await room.fetch("/nothing", { token })).status).toBe(404);
    await service.room(game, { id: "game-1" });
    const headers = { authorization: `Bearer ${token}`, origin: "http://elsewhere.test" };
    const response = await service.fetch("/parties/main/game-1/count", { headers });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(await response.json()).toEqual({ count: 0, sub: "ada" });
    expect(await (await service.fetch("/health")).json()).toEqual({ status: "ok" });
  });

  it("reports a missing secret or room", async () => {
    const service = await testService(config);
    await expect(service.token({}, "NO_SECRET")).rejects.toThrow("The Worker of the tests has no secret NO_SECRET");
    await expect(service.room(closed)).rejects.toThrow('The service has no room with the path "closed"');
    await expect(testService({ rooms: [] })).rejects.toThrow("createRooms: there is no room");
  });

  it("advances time for all rooms at once, each with what is due", async () => {
    const ticking = defineRoom({
      path: "tick-{id}",
      state: () => ({ ticks: sync(signal(0)) }),
      tick: { hz: 10, run: ({ state }) => state.ticks.update((ticks) => ticks + 1) },
    });
    const service = await testService({ rooms: [ticking] });
    const [one, two] = await Promise.all(["tick-1", "tick-2"].map(async (id) => service.room(ticking, { id })));
    const clients = [await one?.createClient(), await two?.createClient()];
    await service.advance(2000);
    // Real time passes as well, so there may be more ticks.
    for (const client of clients) expect(client?.state.ticks).toBeGreaterThanOrEqual(18);
    await service.expectConverged();
  });
});

describe("testService with Worlds", () => {
  const withWorlds = () =>
    testService({ ...config, rooms: [game, listed], world: worlds({ ids: ["world-default"], shardCapacity: 2 }) });
  const search = { room: "duel-{id}", filter: { level: { gte: 2 } } };

  it("finds rooms and makes them, lists them, and forgets full ones", async () => {
    const service = await withWorlds();
    const world = service.world();
    await expect(world.findRoom(search)).rejects.toMatchObject({ status: 404 });
    const { roomId } = await world.findRoom<{ level: number }>({ ...search, create: true });
    const { createClient } = await service.room(listed, { id: roomId });
    await createClient({ id: "ada" });
    await createClient({ id: "bob" });
    await service.advance(2000);
    expect(await world.listRooms(search)).toMatchObject([{ roomId, users: 2, maxUsers: 2, metadata: { level: 3 } }]);
    expect((await world.findRoom({ ...search, create: true })).roomId).not.toBe(roomId);
    await world.evict();
    expect(await world.listRooms(search)).toHaveLength(2);
    await world.crash();
    expect(await world.listRooms(search)).toHaveLength(2);
    expect((await world.fetch("/registry")).status).toBe(401);
  });

  it("connects clients through shards, which hibernate and crash while the room continues", async () => {
    const service = await withWorlds();
    const { createClient, room, server, expectConverged } = await service.room(game, { id: "game-1" });
    const ada = await createClient({ id: "ada", world: "world-default" });
    const bob = await createClient({ id: "bob" });
    expect([typeof ada.shardId, bob.shardId]).toEqual(["string", undefined]);
    await ada.call("add", 2);
    await bob.send({ action: "add", value: 3 });
    expect([ada.state.count, bob.state.count]).toEqual([5, 5]);
    await expectConverged();
    await service.shard(ada.shardId ?? "").evict();
    await server.evict();
    await bob.call("add", 1);
    expect(ada.state.count).toBe(6);
    await service.shard(ada.shardId ?? "").crash();
    expect((await ada.closed).code).toBe(1006);
    await service.advance(1000);
    expect(room.state.players()[ada.publicId]?.online()).toBe(false);
    const back = await createClient({ id: "ada", world: "world-default" });
    expect(back.publicId).toBe(ada.publicId);
    await server.crash();
    await back.call("add", 1);
    await expectConverged();
  });

  it("forgets a World's empty shards in time", async () => {
    const service = await withWorlds();
    const { createClient } = await service.room(game, { id: "game-1" });
    const ada = await createClient({ world: "world-default" });
    ada.close();
    await ada.closed;
    await service.advance(900_000);
    const again = await createClient({ world: "world-default" });
    expect(again.shardId).not.toBe(ada.shardId);
  });
});
