import { exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { connectionRoom } from "@signe/sync/client";
import { afterEach, describe, expect, it, vi } from "vitest";
import { connectRoom, connectWorld } from "../../src/client/index.ts";
import { testRoom as kitRoom } from "../../src/testing/index.ts";
import { shared } from "../../src/testing/registry.ts";
import { BrowserSocket } from "../support/browser-socket.ts";
import { TestClient } from "../support/harness.ts";
import service, { apiRoom, gameRoom, monster, RoomObject, ShardObject, WorldObject } from "./api-example.ts";
import { definition, json, start, user } from "./api-support.ts";
import type { Seen } from "./api-support.ts";
import { serviceOf } from "./service.ts";

afterEach(() => vi.restoreAllMocks());

describe("gameRoom: options", () => {
  it("{name} segments of the path become params", async () => {
    const onJoin = vi.spyOn(definition, "onJoin");
    await start().connect({ token: user });
    expect(onJoin.mock.calls[0]?.[0].room).toMatchObject({ id: "game-1", params: { id: "1" } });
  });

  it("maxUsers: the fifth user is refused with 4503", async () => {
    const room = start();
    for (const id of ["a", "b", "c", "d"]) await room.connect({ id, token: user });
    expect(await (await room.open({ id: "e", token: user })).closed).toMatchObject({ code: 4503 });
    await room.connect({ id: "d", token: user });
  });

  it("throttleSync: changes within 100 ms are sent in one packet", async () => {
    const room = start();
    const client = await room.connect({ token: user });
    const syncs = () => client.packets.filter(({ type }) => type === "sync").length;
    const before = syncs();
    // Messages of one frame are handled one after the other, at the same time.
    const moves = Array.from({ length: 10 }, (_, at) => ({ action: "move", value: { x: at + 1, y: 0 } }));
    client.send(JSON.stringify(moves));
    await client.sees((state: Seen) => state.players[client.publicId]?.x === 10);
    // The first one at once, unless the room has just sent something, and the others together.
    expect(syncs() - before).toBeLessThanOrEqual(2);
  });

  it("throttleStorage: a change is stored later, with its alarm", async () => {
    const room = start();
    const client = await room.connect({ token: user });
    await room.alarm();
    await client.call("move", { x: 7, y: 8 });
    const row = `players.${client.publicId}`;
    expect((await room.stored())[row]).toMatchObject({ x: 0 });
    await room.alarm();
    expect((await room.stored())[row]).toMatchObject({ x: 7, y: 8 });
  });

  it("sessionExpiryTime: a disconnected user is kept for 5 minutes", async () => {
    const { createClient, room, server } = await kitRoom(gameRoom, { id: "game-1" });
    const client = await createClient({ auth: {} });
    client.close();
    await client.closed;
    await server.advance(299_000);
    expect(Object.keys(room.state.players())).toEqual([client.publicId]);
    await server.advance(2000);
    expect(room.state.players()).toEqual({});
  });

  it("hibernate: an empty room hibernates, and is the same when it wakes", async () => {
    const room = start();
    const client = await room.connect({ id: "ada", token: user });
    await client.call("move", { x: 3, y: 4 });
    client.close();
    await client.closed;
    await room.evict();
    const again = await room.connect({ id: "ada", token: user });
    expect(again.publicId).toBe(client.publicId);
    expect((again.state as Seen).players[again.publicId]).toMatchObject({ x: 3, y: 4, online: true });
  });

  it("guards: every connection, message and request", async () => {
    const room = start();
    expect(await (await room.open()).closed).toMatchObject({ code: 4403 });
    expect((await room.fetch("/status")).status).toBe(403);
    const client = await room.connect({ token: user });
    const calls: unknown[] = [];
    const guards = definition.guards as unknown as ((context: { conn: unknown }, value: unknown) => boolean)[];
    const [isAuthenticated] = guards.splice(0, 1, ({ conn }, value) => {
      calls.push([conn !== undefined, value]);
      return false;
    });
    expect((await client.call("move", { x: 1, y: 1 })).value["code"]).toBe("forbidden");
    guards.splice(0, 1, isAuthenticated as never);
    expect(calls).toEqual([[true, { x: 1, y: 1 }]]);
  });

  it("rateLimit: 100 messages, then refusals, then 4429", async () => {
    const client = await start().connect({ token: user });
    for (let index = 0; index < 1000; index++) client.send({ action: "move", value: { x: 1, y: 1 } });
    expect(await client.closed).toMatchObject({ code: 4429 });
    const refused = client.packets.filter((packet) => packet.value["code"] === "rate_limited");
    expect(refused.length).toBeGreaterThanOrEqual(99);
  });

  it("maxMessageBytes: a larger message closes with 1009", async () => {
    const client = await start().connect({ token: user });
    const frame = (bytes: number) => JSON.stringify({ action: "other", value: "" }).padEnd(bytes);
    client.send(frame(65_536));
    expect((await client.call("move", { x: 1, y: 1 })).type).toBe("ack");
    client.send(frame(65_537));
    expect(await client.closed).toMatchObject({ code: 1009 });
  });
});

describe("gameRoom: state", () => {
  it("clients see what they may see, as it changes", async () => {
    const room = start();
    const ada = await room.connect({ token: user });
    const bob = await room.connect({ token: user });
    await room.change((state) => {
      state.status.set("playing");
      state.scores.set([3, 9]);
      state.config.mutate((config) => void (config.map.width = 5));
      state.turn.set(2);
      state.seed.set(3);
      state.cache.set(4);
      state.monsters()["m1"] = monster();
      state.players()[ada.publicId]?.hand.set(["ace"]);
    });
    const player = { x: 0, y: 0, score: 0, online: true };
    const all = {
      status: "playing",
      scores: [3, 9],
      config: { map: { width: 5, height: 1000 } },
      leader: 9,
      turn: 2,
      monsters: { m1: { hp: 10 } },
    };
    await bob.sees((state: { monsters?: object }) => state.monsters !== undefined);
    await ada.sees((state: Seen) => state.players[ada.publicId]?.hand?.length === 1);
    expect(bob.state).toEqual({ ...all, players: { [ada.publicId]: player, [bob.publicId]: { ...player, hand: [] } } });
    expect(ada.state).toEqual({
      ...all,
      players: { [ada.publicId]: { ...player, hand: ["ace"] }, [bob.publicId]: player },
    });
    bob.close();
    await ada.sees((state: Seen) => state.players[bob.publicId]?.online === false);
    await room.change((state) => void delete state.monsters()["m1"]);
    await ada.sees((state: { monsters?: object }) => state.monsters === undefined || !("m1" in state.monsters));
  });

  it("id is the publicId, and the declared fields are stored", async () => {
    const room = start();
    const ada = await room.connect({ token: user });
    expect(await room.inside((state) => state.players()[ada.publicId]?.id)).toBe(ada.publicId);
    await room.change((state) => {
      state.turn.set(2);
      state.seed.set(3);
      state.cache.set(4);
      state.monsters()["m1"] = monster();
    });
    await room.alarm();
    const stored = await room.stored();
    expect(stored["."]).toEqual({ status: "waiting", seed: 3 });
    expect(stored["monsters.m1"]).toEqual({ hp: 10 });
    expect(stored[`players.${ada.publicId}`]).toEqual({ x: 0, y: 0, score: 0, hand: [] });
    // A room with a tick and a client cannot hibernate, so it does not store the volatile turn.
    expect(stored["~."]).toBeUndefined();
    await room.crash();
    const again = await room.connect({ token: user });
    expect(again.state).toMatchObject({ turn: 0, monsters: { m1: { hp: 10 } } });
    expect(await room.inside((state) => state.seed())).toBe(3);
  });

  it("state is made once for each room", async () => {
    const one = start();
    const two = start();
    const client = await one.connect({ token: user });
    const other = await two.connect({ token: user });
    await one.change((state) => state.status.set("playing"));
    await client.sees((state: { status: string }) => state.status === "playing");
    expect(other.state).toMatchObject({ status: "waiting" });
  });
});

describe("serving rooms", () => {
  it("the app routes to each room by its path, checks tokens and answers CORS", async () => {
    const ask = serviceOf(service, [gameRoom, apiRoom]);
    expect(await json(await ask("/health"))).toEqual([200, { status: "ok" }]);
    const hello = await ask("/parties/main/api/hello", { headers: { origin: "http://else.where" } });
    expect([await hello.text(), hello.headers.get("access-control-allow-origin")]).toEqual(["hello", "*"]);
    expect((await ask("/parties/main/nothing")).status).toBe(404);
    expect((await ask("/parties/main/game-1/status")).status).toBe(403);
    expect((await ask("/parties/main/game-1/status?token=forged")).status).toBe(401);
    expect(await json(await ask(`/parties/main/game-1/status?token=${user}`))).toEqual([200, { status: "waiting" }]);
    const { webSocket } = await ask(`/parties/main/game-1?token=${user}`, { headers: { upgrade: "websocket" } });
    const client = new TestClient(webSocket as WebSocket);
    expect((await client.call("move", { x: 1, y: 1 })).type).toBe("ack");
    for (const base of [RoomObject, WorldObject, ShardObject])
      expect(base.prototype).toBeInstanceOf(Object.getPrototypeOf(base));
  });
});

describe("talking to rooms", () => {
  it("the unmodified connectionRoom works", async () => {
    const room = start();
    const state = { players: signal<Seen["players"]>({}), status: signal("") };
    const { emit, on, close } = await connectionRoom(
      {
        host: "rooms.test",
        party: room.party,
        room: "game-1",
        id: "ada",
        query: { token: user },
        WebSocket: BrowserSocket,
      },
      state,
    );
    const refused = new Promise((resolve) => on("error", resolve));
    emit("move", { x: 7, y: 8 });
    emit("move", { x: -1, y: 8 });
    await vi.waitFor(() => expect(Object.values(state.players())[0]).toMatchObject({ x: 7, y: 8, hand: [] }), 5000);
    expect(state.status()).toBe("waiting");
    expect(await refused).toMatchObject({ code: "invalid_input", action: "move" });
    close();
  });

  it.each([
    ["connectRoom", connectRoom],
    ["connectWorld", connectWorld],
  ] as const)("%s, typed", async (name, connect) => {
    shared().rooms.set("main", gameRoom);
    vi.stubGlobal("fetch", exports.default.fetch.bind(exports.default));
    const host = "http://rooms.test";
    const privateId = `private-${name}`;
    const socket = { WebSocket: BrowserSocket };
    const roomId = `game-${name}`;

    const game = connect<typeof gameRoom>({ host, room: roomId, id: privateId, token: async () => user, socket });
    const render = vi.fn();
    const stop = game.subscribe((state) => render(state));
    const refused = new Promise((resolve) => game.on("error", resolve));
    game.emit("move", { x: 1, y: 2 });
    game.emit("move", { x: -1, y: 2 });
    expect(await refused).toMatchObject({ code: "invalid_input" });
    await vi.waitFor(() => expect(game.state.players[game.publicId ?? ""]?.x).toBe(1), 5000);
    expect(render).toHaveBeenCalledWith(game.state);
    stop();
    await expect(game.call("move", { x: 2000, y: 0 })).rejects.toMatchObject({ code: "invalid_input" });
    const { transferToken } = await game.call("transfer", { targetRoomId: `${roomId}-2` });
    expect(transferToken).toHaveLength(43);
    expect(game.status).toBe("open");
    game.close();
    expect(game.status).toBe("closed");
    vi.unstubAllGlobals();
  });
});
