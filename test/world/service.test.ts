import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { connectionWorld } from "@signe/sync/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { connected, sync } from "../../src/state/fields.ts";
import { shared } from "../../src/testing/registry.ts";
import { BrowserSocket } from "../support/browser-socket.ts";
import { shardStub, TestClient, TestRoom, operatorToken, token } from "../support/harness.ts";

class Player {
  x = sync(signal(0));
  online = connected();
}
const game = defineRoom({
  path: "game-{id}",
  throttleStorage: 0,
  state: () => ({ players: users(Player), count: sync(signal(0)) }),
  actions: {
    move: { input: z.object({ x: z.number() }), run: ({ user }, { x }) => user.x.set(x) },
    who: { run: ({ auth, conn }) => ({ auth, publicId: conn.publicId }) },
  },
  requests: { "GET /count": { run: ({ state, auth }) => ({ count: state.count(), auth }) } },
});

const ORIGIN = "http://rooms.test";
const WORLD = `${ORIGIN}/parties/world/world-default`;
/** The capacity of a shard in this service. */
const CAPACITY = 3;

interface Answer {
  readonly success: boolean;
  readonly shardId: string;
  readonly url: string;
}

async function post(route: string, body: unknown, headers: Record<string, string> = {}, world = WORLD) {
  const response = await exports.default.fetch(`${world}/${route}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json<Answer & { error?: string }>() };
}

async function place(roomId: string): Promise<string> {
  const { status, body } = await post("connect", { roomId });
  expect({ status, body }).toMatchObject({ status: 200, body: { success: true, url: body.shardId } });
  return body.url;
}

async function join(url: string, query = ""): Promise<TestClient> {
  const response = await exports.default.fetch(`${ORIGIN}/parties/shard/${url}?${query}`, {
    headers: { upgrade: "websocket" },
  });
  if (!response.webSocket) throw new Error(`no socket: ${response.status}`);
  return new TestClient(response.webSocket);
}

const operator = async (worlds: string[]) => ({ authorization: `Bearer ${await operatorToken({ worlds })}` });
/** Each test has a new room, because other files use rooms of the party "main" too. */
const newRoom = () => `game-${crypto.randomUUID()}`;

beforeEach(() => {
  shared().rooms.set("main", game);
  vi.stubGlobal("fetch", exports.default.fetch.bind(exports.default));
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe("P9: a World, its shards and a room, as real objects", () => {
  it("connectionWorld of @signe/sync/client works, unmodified, together with clients of the room itself", async () => {
    const room = new TestRoom(game, newRoom(), "main");
    const direct = await room.connect({ via: "room" });
    const state = { count: signal(0), players: signal<Record<string, { x: number }>>({}) };
    const options = { host: ORIGIN, room: room.id, worldId: "world-default", id: "ada", WebSocket: BrowserSocket };
    const { conn, emit, on, shardInfo } = await connectionWorld({ ...options, protocol: "ws" }, state);
    expect(shardInfo).toEqual({ shardId: shardInfo.url, url: shardInfo.url });
    const synced = (condition: () => boolean) =>
      new Promise<void>((resolve) => on("sync", () => condition() && resolve()));
    const arrived = synced(() => Object.keys(state.players()).length === 2);
    await direct.sees((seen: { players: object }) => Object.keys(seen.players).length === 2);
    await arrived;
    emit("move", { x: 7 });
    await direct.sees((seen: { players: Record<string, Player> }) =>
      Object.values(seen.players).some(({ x }) => (x as unknown) === 7),
    );
    const moved = synced(() => Object.values(state.players()).some(({ x }) => x === 9));
    await direct.call("move", { x: 9 });
    await moved;
    conn.close();
  });

  it("clients that connect at the same moment are distributed, and no shard is overfilled", async () => {
    const roomId = newRoom();
    const places = await Promise.all(Array.from({ length: 10 }, () => place(roomId)));
    const counts = Map.groupBy(places, (url) => url);
    expect(counts.size).toBe(Math.ceil(places.length / CAPACITY));
    for (const group of counts.values()) expect(group.length).toBeLessThanOrEqual(CAPACITY);
    const clients = await Promise.all(places.map((url) => join(url)));
    await Promise.all(clients.map((client) => client.until(({ type }) => type === "sync")));
    await clients[0]?.sees((seen: { players: object }) => Object.keys(seen.players).length === 10);
    // The shard itself refuses clients beyond its capacity.
    const full = [...counts].find(([, group]) => group.length === CAPACITY)?.[0] ?? "";
    expect(await (await join(full)).closed).toMatchObject({ code: 4503 });
  });

  it("shards answer HTTP for the room, with the client's claims", async () => {
    const url = await place(newRoom());
    const headers = { authorization: `Bearer ${await token({ sub: "ada" })}` };
    const response = await exports.default.fetch(`${ORIGIN}/parties/shard/${url}/count`, { headers });
    expect([response.status, await response.json()]).toMatchObject([200, { count: 0, auth: { sub: "ada" } }]);
  });

  it("a room that needs a token grows only for clients with one, and its shards refuse clients without one", async () => {
    shared().rooms.set("main", defineRoom({ path: "club-{id}", auth: "required", state: () => ({}) }));
    const roomId = `club-${crypto.randomUUID()}`;
    expect((await post("connect", { roomId })).status).toBe(401);
    const jwt = await token({ sub: "ada" });
    const { status, body } = await post("connect", { roomId }, { authorization: `Bearer ${jwt}` });
    expect(status).toBe(200);
    expect((await post("connect", { roomId })).status).toBe(200);
    expect(await (await join(body.url)).closed).toMatchObject({ code: 4401 });
    expect(await (await join(body.url, "token=forged")).closed).toMatchObject({ code: 4401 });
    await (await join(body.url, `token=${jwt}`)).until(({ type }) => type === "sync");
    expect((await exports.default.fetch(`${ORIGIN}/parties/shard/${body.url}/count`)).status).toBe(401);
  });

  it("a shard that no World made does not exist", async () => {
    expect(await (await join("game-1-made-up")).closed).toMatchObject({ code: 4404 });
    const response = await exports.default.fetch(`${ORIGIN}/parties/shard/game-1-made-up/count`);
    expect([response.status, await response.text()]).toEqual([404, expect.stringContaining("no such shard")]);
  });

  it("a shard reports its number of clients to the World, with the secret", async () => {
    const roomId = newRoom();
    const url = await place(roomId);
    const client = await join(url);
    await client.until(({ type }) => type === "sync");
    const registry = async () => {
      const response = await exports.default.fetch(`${WORLD}/registry`, { headers: await operator(["*"]) });
      const { shards } = await response.json<{ shards: { id: string; connections: number }[] }>();
      return shards.find(({ id }) => id === url)?.connections;
    };
    await expect.poll(registry, { timeout: 10_000 }).toBe(1);
    client.close();
    await expect.poll(registry, { timeout: 10_000 }).toBe(0);
  });

  it("a shard is made in the region of its first client", async () => {
    const roomId = newRoom();
    const cf = { continent: "OC" } as never;
    const init = { method: "POST", body: JSON.stringify({ roomId }), cf };
    expect(await (await exports.default.fetch(`${WORLD}/connect`, init)).json()).toMatchObject({ success: true });
    const response = await exports.default.fetch(`${WORLD}/registry`, { headers: await operator(["*"]) });
    const { shards } = await response.json<{ shards: { roomId: string; hint?: string }[] }>();
    expect(shards.find((shard) => shard.roomId === roomId)?.hint).toBe("oc");
  });

  it("a forged report of a shard is refused", async () => {
    const shardId = await place(newRoom());
    const report = { shardId, connections: 1 };
    const secret = { "x-access-shard": env.SHARD_SECRET };
    expect((await post("update-shard", report)).status).toBe(401);
    expect((await post("update-shard", report, { "x-access-shard": "guess" })).status).toBe(403);
    expect((await post("update-shard", { ...report, shardId: "other" }, secret)).status).toBe(404);
    expect((await post("update-shard", { ...report, worldId: "other" }, secret)).status).toBe(400);
    expect((await post("update-shard", report, secret)).status).toBe(200);
    expect((await post("update-shard", report, secret, `${ORIGIN}/parties/world/other`)).status).toBe(404);
  });

  it("operators authenticate with the token's worlds, also for sockets", async () => {
    const config = { name: newRoom(), balancingStrategy: "random", public: true, maxPlayersPerShard: 5, minShards: 1 };
    expect((await post("register-room", config)).status).toBe(401);
    expect((await post("register-room", config, await operator(["another"]))).status).toBe(403);
    expect((await post("register-room", config, await operator(["world-default"]))).status).toBe(200);
    const open = async (query: string) => {
      const response = await exports.default.fetch(`${WORLD}?${query}`, { headers: { upgrade: "websocket" } });
      return new TestClient(response.webSocket as WebSocket);
    };
    expect(await (await open("")).closed).toMatchObject({ code: 4401 });
    const admin = await open(`world-auth-token=${await operatorToken({ worlds: ["*"] })}`);
    const { value } = await admin.until(({ type }) => type === "sync");
    expect(JSON.stringify(value)).toContain(config.name);
  });

  it("a World that is evicted forgets nothing, and a shard that is evicted keeps its clients", async () => {
    const roomId = newRoom();
    const url = await place(roomId);
    const client = await join(url, "id=ada");
    await client.until(({ type }) => type === "sync");
    const worlds = (env as unknown as { WORLDS: DurableObjectNamespace }).WORLDS;
    await evictDurableObject(worlds.get(worlds.idFromName("world/world-default")));
    expect(await place(roomId)).toBe(url);
    await runInDurableObject(shardStub(url), () => {});
    await evictDurableObject(shardStub(url));
    expect(await client.call("who")).toMatchObject({ value: { result: { publicId: client.publicId } } });
  });
});
