import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { createApp } from "../../src/app/app.ts";
import { createOperators } from "../../src/auth/operators.ts";
import { createVerifier } from "../../src/auth/verify.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import type { RoomObjectBase } from "../../src/objects/room-object.ts";
import { bytesOf } from "../../src/protocol/text-size.ts";
import { createLog } from "../../src/platform/log.ts";
import type { LogEntry } from "../../src/platform/ports.ts";
import { findRoom } from "../../src/testing/registry.ts";
import type { Counts } from "../../src/platform/counts.ts";
import type { RoomMetrics, ShardMetrics } from "../../src/platform/metrics.ts";
import { users } from "../../src/app/users.ts";
import { connected, sync } from "../../src/state/fields.ts";
import { shardStub, testRoom, operatorToken, token } from "../support/harness.ts";
import type { TestClient, TestRoom } from "../support/harness.ts";

class Player {
  name = sync(signal(""));
  online = connected();
}
const { promise: released, resolve: release } = Promise.withResolvers<void>();
const game = defineRoom({
  path: "game-{id}",
  throttleSync: 0,
  rateLimit: { messages: 20, per: 3_600_000 },
  state: () => ({ players: users(Player), count: sync(signal(0)) }),
  actions: {
    name: { input: z.string(), run: ({ user }, name) => user.name.set(name) },
    count: { run: ({ state }) => state.count.update((count) => count + 1) },
    fail: {
      run: () => {
        throw new Error("a secret of the developer\nand more");
      },
    },
    wait: { run: () => released },
    later: { run: ({ room }) => room.schedule("later", 3_600_000, "a private payload") },
  },
  schedules: { later: { run: () => {} } },
  requests: { "GET /count": { run: ({ state }) => state.count() }, "GET /*": { run: () => "the room's own" } },
});

const operator = async () => ({ authorization: `Bearer ${await operatorToken({ rooms: "*" })}` });
const pathOf = (room: TestRoom) => `/parties/${room.party}/${room.id}/$metrics`;
const get = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  exports.default.fetch(`http://rooms.test${path}`, { ...init, headers });
async function metricsOf<T = RoomMetrics>(path: string): Promise<T> {
  const response = await get(path, await operator());
  expect(response.status).toBe(200);
  return response.json<T>();
}
const silence = () => vi.spyOn(console, "error").mockImplementation(() => {});

/** Sends messages, and waits until all are answered. @returns the bytes of the messages */
async function script(client: TestClient, texts: readonly string[]): Promise<number> {
  for (const text of texts) client.send(text);
  await client.call("count");
  return [...texts, JSON.stringify({ action: "count", id: "call-0" })].reduce((sum, text) => sum + bytesOf(text), 0);
}
const bytesIn = (texts: readonly string[]) =>
  texts.reduce((sum, text) => sum + new TextEncoder().encode(text).length, 0);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("P11: the counters of a room", () => {
  it("P11.2: equal what was sent and received, to the byte", async () => {
    silence();
    const room = testRoom(game, "game-1");
    const ada = await room.connect({ id: "ada", via: "room" });
    const bob = await room.connect({ id: "bob", via: "room" });
    const sent = await script(ada, [
      '{"action":"name","value":"Zoë 🎲 日本"}',
      "ping pong",
      '{"action":"name","value":3}',
      '{"action":"unknown"}',
      '{"action":"fail"}',
    ]);
    ada.send("ping");
    await ada.text("pong");
    await bob.sees((state: { count: number }) => state.count === 1);
    expect(await (await room.fetch("/count")).text()).toBe("1");
    const { sinceWake, totals, ...metrics } = await metricsOf(pathOf(room));
    const texts = [...ada.texts, ...bob.texts].filter((text) => text !== "pong");
    expect(sinceWake).toMatchObject({
      messages: 6,
      bytesIn: sent,
      packets: texts.length,
      bytesOut: bytesIn(texts),
      requests: 3,
      calls: 0,
      alarms: 0,
      relayed: 0,
      wakes: {},
      errors: { bad_message: 1, invalid_input: 1, unknown_action: 1, internal: 1 },
    });
    expect(totals).toEqual(sinceWake);
    expect(metrics).toMatchObject({
      party: room.party,
      room: "game-1",
      connections: 2,
      users: 2,
      sessions: 2,
      wokenBy: "request",
    });
    expect(metrics.shards).toEqual([]);
  });

  it("P11.2: rows are those that storage was asked to write", async () => {
    const room = testRoom(game, "game-1");
    let written = 0;
    await runInDurableObject(room.stub, (_instance: RoomObjectBase, { storage }) => {
      const { kv } = storage;
      const watch = (of: object, name: string, count: (result: unknown) => void) => {
        const methods = Object.getPrototypeOf(of) as Record<string, (...args: unknown[]) => unknown>;
        const original = methods[name] as (...args: unknown[]) => unknown;
        vi.spyOn(methods, name).mockImplementation(function (this: object, ...args) {
          const result = original.apply(this, args);
          // Only count the calls of this object.
          if (this === of) count(result);
          return result;
        });
      };
      watch(kv, "put", () => written++);
      watch(kv, "delete", (existed) => (written += Number(existed)));
      watch(storage, "setAlarm", () => written++);
    });
    const client = await room.connect({ id: "ada", via: "room" });
    await room.inside((_state, { handle: { storage } }) => {
      storage.put("a", 1);
      // The second delete removes nothing, and costs nothing.
      for (let times = 0; times < 2; times++) storage.delete("a");
    });
    await script(client, []);
    await runDurableObjectAlarm(room.stub);
    client.close();
    await client.closed;
    const { sinceWake } = await metricsOf(pathOf(room));
    expect(written).toBeGreaterThan(5);
    expect(sinceWake.rowsWritten).toBe(written);
  });

  it("P11.2: a room that wakes reads each of its rows once, and its counts again", async () => {
    const room = testRoom(game, "game-1");
    const client = await room.connect({ id: "ada", via: "room" });
    await script(client, []);
    await metricsOf(pathOf(room));
    await room.evict();
    const rows = Object.keys(await room.stored()).length;
    expect((await metricsOf(pathOf(room))).sinceWake.rowsRead).toBe(rows + 1);
  });

  it("P11.3: survive hibernation as they were reported", async () => {
    const room = testRoom(game, "game-1");
    const client = await room.connect({ id: "ada", via: "room" });
    await script(client, []);
    const before = await metricsOf(pathOf(room));
    await room.evict();
    await client.call("count");
    const after = await metricsOf(pathOf(room));
    expect(after).toMatchObject({ wokenBy: "message", connections: 1, countedSince: before.countedSince });
    expect(after.sinceWake).toMatchObject({ messages: 1, requests: 0, wakes: { message: 1 } });
    expect(after.totals).toMatchObject({
      messages: before.totals.messages + 1,
      bytesIn: before.totals.bytesIn + after.sinceWake.bytesIn,
      packets: before.totals.packets + after.sinceWake.packets,
      requests: before.totals.requests,
      rowsWritten: before.totals.rowsWritten + after.sinceWake.rowsWritten,
      wakes: { message: 1 },
    });
  });

  it("P11.3: are stored with other saves and at the next alarm, never on their own", async () => {
    const room = testRoom(game, "game-1");
    const stored = async () => ((await room.stored())["$counts"] as { counts: Counts } | undefined)?.counts;
    const client = await room.connect({ id: "ada", via: "room" });
    await script(client, []);
    expect(await stored()).toBeUndefined();
    await room.alarm();
    expect(await stored()).toMatchObject({ messages: 1, alarms: 1 });
    await client.call("count");
    await room.alarm();
    // The counters were stored a moment ago, so they are not stored again.
    expect(await stored()).toMatchObject({ messages: 1 });
    await runInDurableObject(room.stub, (instance: RoomObjectBase) => instance.alarm());
    expect(await stored()).toMatchObject({ messages: 2, alarms: 3 });
    await runInDurableObject(room.stub, (instance: RoomObjectBase) => instance.alarm());
    expect(await stored()).toMatchObject({ alarms: 3 });
  });

  it.each([
    ["close", (client: TestClient) => client.close()],
    ["message", (client: TestClient) => client.send({ action: "count" })],
  ] as const)("P11.2: report what woke the room: %s", async (cause, wake) => {
    const room = testRoom(game, "game-1");
    const client = await room.connect({ id: "ada", via: "room" });
    await metricsOf(pathOf(room));
    await room.evict();
    wake(client);
    await (cause === "close" ? client.closed : client.sees((state: { count: number }) => state.count === 1));
    const { wokenBy, sinceWake } = await metricsOf(pathOf(room));
    expect([wokenBy, sinceWake.wakes]).toEqual([cause, { [cause]: 1 }]);
  });

  it("P11.2: report that a request for metrics woke it, and count nothing else of it", async () => {
    const room = testRoom(game, "game-1");
    const client = await room.connect({ id: "ada", via: "room" });
    await metricsOf(pathOf(room));
    await room.evict();
    const { wokenBy, sinceWake } = await metricsOf(pathOf(room));
    expect(wokenBy).toBe("metrics");
    expect(sinceWake).toMatchObject({ requests: 0, calls: 0, messages: 0, packets: 0, wakes: { metrics: 1 } });
    client.close();
  });

  it("P11.1: leave nothing in a room that never existed", async () => {
    const room = testRoom(game, "game-1");
    expect(await metricsOf(pathOf(room))).toMatchObject({
      connections: 0,
      users: 0,
      totals: { wakes: {}, rowsWritten: 0 },
    });
    expect(await room.stored()).toEqual({});
  });
});

describe("P11: other metrics", () => {
  it("P11.2: what keeps the room awake, and since when", async () => {
    const room = testRoom(game, "game-1");
    const client = await room.connect({ id: "ada", via: "room" });
    const begun = Date.now();
    client.send({ action: "wait", id: 1 });
    await vi.waitFor(async () => {
      const { awake } = await metricsOf(pathOf(room));
      expect(awake.map(({ why }) => why)).toContain("message");
    });
    const { awake, at } = await metricsOf(pathOf(room));
    const message = awake.find(({ why }) => why === "message");
    expect(message).toMatchObject({ count: 1 });
    expect(message?.since).toBeGreaterThanOrEqual(begun - 1);
    expect(message?.since).toBeLessThanOrEqual(at);
    expect(awake.map(({ why }) => why)).toContain("save");
    release();
    await client.until(({ value }) => value["id"] === 1);
    await room.alarm();
    const quiet = await metricsOf(pathOf(room));
    expect(quiet.awake.filter(({ why }) => why === "message" || why === "save")).toEqual([]);
  });

  it("P11.2: sockets without hibernation, and ticks", async () => {
    const restless = defineRoom({
      path: "game-{id}",
      hibernate: false,
      tick: { hz: 10, run: () => {} },
      state: () => ({}),
    });
    const room = testRoom(restless, "game-1");
    const client = await room.connect({ via: "room" });
    const { awake } = await metricsOf(pathOf(room));
    expect(awake.map(({ why }) => why)).toEqual(expect.arrayContaining(["socket", "tick"]));
    client.send("ping");
    await client.text("pong");
    client.close();
    await client.closed;
    await vi.waitFor(async () => {
      const after = await metricsOf(pathOf(room));
      expect(after.awake.map(({ why }) => why)).not.toContain("socket");
      expect(after.awake.map(({ why }) => why)).not.toContain("tick");
      expect(after.sinceWake).toMatchObject({ messages: 0 });
      expect(after.sinceWake.awakeMs).toBeGreaterThan(0);
    });
  });

  it("P11.2: schedules without their payload, and the last errors without a stack; at most 50 of them", async () => {
    silence();
    const room = testRoom(game, "game-1");
    const client = await room.connect({ id: "ada", via: "room" });
    await client.call("later");
    await client.call("fail");
    const { schedules, errors } = await metricsOf(pathOf(room));
    expect(schedules).toEqual([{ name: "later", at: expect.any(Number) }]);
    expect(errors).toEqual([
      {
        at: expect.any(Number),
        event: "action_failed",
        action: "fail",
        code: "internal",
        connection: expect.any(String),
        error: "Error: a secret of the developer",
      },
    ]);
    await room.inside((_state, core) => {
      for (let index = 0; index < 60; index++)
        core.reporter.failed("test_failed", new Error(`${index} ${"x".repeat(999)}`));
    });
    const { errors: kept } = await metricsOf(pathOf(room));
    expect(kept).toHaveLength(50);
    expect(kept.at(-1)?.error).toMatch(/^Error: 59 x+$/);
    expect(kept.at(-1)?.error).toHaveLength(500);
  });

  it("P11.2: a room that cannot start reports why", async () => {
    silence();
    const broken = defineRoom({
      path: "game-{id}",
      state: () => {
        throw new Error("no state today");
      },
    });
    const room = testRoom(broken, "game-1");
    const { errors, connections } = await metricsOf(pathOf(room));
    expect(connections).toBe(0);
    expect(errors.at(-1)).toMatchObject({ event: "start_failed", error: "Error: no state today" });
  });
});

describe("P11.1: $metrics", () => {
  const strangers: [string, () => Promise<Record<string, string>>, number][] = [
    ["nobody", async () => ({}), 401],
    ["a player", async () => ({ authorization: `Bearer ${await token({ sub: "player" })}` }), 401],
    [
      "an operator of another room",
      async () => ({ authorization: `Bearer ${await operatorToken({ rooms: ["main/x"] })}` }),
      403,
    ],
    [
      "an operator of a World",
      async () => ({ authorization: `Bearer ${await operatorToken({ worlds: ["game-1"] })}` }),
      403,
    ],
    ["a forger", async () => ({ authorization: "Bearer e30.e30.e30" }), 401],
    [
      "who sends the service's own header",
      async () => ({ "x-durable-rooms-auth": "%7B%22rooms%22%3A%22*%22%7D" }),
      401,
    ],
    ["a shard", async () => ({ "x-access-shard": (env as unknown as { SHARD_SECRET: string }).SHARD_SECRET }), 401],
  ];
  it.each(strangers)("refuses %s", async (_, headers, status) => {
    const room = testRoom(game, "game-1");
    const response = await get(pathOf(room), await headers());
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      error: expect.any(String),
      code: status === 401 ? "unauthenticated" : "forbidden",
    });
  });

  it.each<(room: TestRoom) => Record<string, unknown>>([
    () => ({ rooms: "*" }),
    () => ({ worlds: ["*"] }),
    (room) => ({ rooms: `${room.party}/${room.id}` }),
    (room) => ({ rooms: ["main/x", `${room.party}/${room.id}`] }),
  ])("accepts an operator's token: %s", async (claims) => {
    const room = testRoom(game, "game-1");
    const authorization = `Bearer ${await operatorToken(claims(room))}`;
    expect((await get(pathOf(room), { authorization })).status).toBe(200);
  });

  it("P1.4: refuses every token in a service without the secret, and its log says why", async () => {
    const lines: LogEntry[] = [];
    const operators = createVerifier({ secret: "NO_SUCH_SECRET" });
    const log = createLog((line) => lines.push(line));
    const app = createApp({
      find: findRoom,
      verify: undefined,
      operators: { ...createOperators(), verify: operators },
      cors: false,
      log,
    });
    const room = testRoom(game, "game-1");
    const headers = await operator();
    const response = await app.request(`http://rooms.test${pathOf(room)}`, { headers }, env);
    expect([response.status, await response.json()]).toEqual([500, { error: expect.any(String), code: "internal" }]);
    const place = { party: room.party, room: "game-1", code: "internal" };
    const error = expect.stringContaining("The secret NO_SUCH_SECRET is missing") as string;
    expect(lines).toEqual([{ level: "error", event: "request_failed", ...place, error }]);
    expect((await app.request(`http://rooms.test${pathOf(room)}`, {}, env)).status).toBe(401);
  });

  it("never reaches the room's own routes, and similar paths do not exist", async () => {
    const room = testRoom(game, "game-1");
    expect(await (await room.fetch("/other")).text()).toBe("the room's own");
    const headers = await operator();
    for (const path of ["$", "$state", "$metrics/", "$metrics/x"]) {
      const response = await get(pathOf(room).replace("$metrics", path), headers);
      expect([path, response.status]).toEqual([path, 404]);
    }
    expect((await get(pathOf(room), headers, { method: "POST" })).status).toBe(404);
    expect((await get("/parties/main/no-such-room/$metrics", headers)).status).toBe(404);
    const socket = (await get(pathOf(room), { upgrade: "websocket" })).webSocket;
    const { promise: closed, resolve } = Promise.withResolvers<number>();
    socket?.addEventListener("close", ({ code }) => resolve(code));
    socket?.accept();
    expect(await closed).toBe(4401);
    expect(() => defineRoom({ path: "a", state: () => ({}), requests: { "GET /$x": { run: () => "" } } })).toThrow(
      "/$",
    );
  });

  it("exists for a World and for shards too", async () => {
    const id = crypto.randomUUID();
    expect(await metricsOf(`/parties/world/${id}/$metrics`)).toMatchObject({
      party: "world",
      room: id,
      connections: 0,
    });
    const authorization = `Bearer ${await operatorToken({ worlds: id })}`;
    expect((await get(`/parties/world/${id}/$metrics`, { authorization })).status).toBe(200);
  });
});

describe("P11: the counters of a shard", () => {
  it("P11.2: equal what its clients sent and received, and what it forwarded", async () => {
    const room = testRoom(game, "game-1");
    const shardId = await room.shard();
    const ada = await room.connect({ id: "ada", via: "shard" });
    const sent = await script(ada, ['{"action":"name","value":"Zoë"}', "x".repeat(10)]);
    for (let index = 0; index < 20; index++) ada.send('{"action":"none"}');
    await ada.until(({ value }) => value["code"] === "rate_limited");
    const path = `/parties/shard/${shardId}/$metrics`;
    const { sinceWake, ...shard } = await metricsOf<ShardMetrics>(path);
    expect(shard).toMatchObject({ party: room.party, room: "game-1", shard: shardId, connections: 1 });
    expect(sinceWake).toMatchObject({ messages: 23, relayed: 20, bytesIn: sent + 20 * 17, requests: 1 });
    expect(sinceWake.errors).toMatchObject({ rate_limited: expect.any(Number) });
    expect(sinceWake.calls).toBeGreaterThan(0);
    const { sinceWake: ofRoom, shards, connections } = await metricsOf(pathOf(room));
    expect(ofRoom).toMatchObject({ messages: 0, packets: 0, errors: { bad_message: 1 } });
    expect({ shards, connections }).toEqual({ shards: [{ id: shardId, connections: 1 }], connections: 1 });
    ada.close();
    await ada.closed;
    const { sinceWake: last } = await metricsOf<ShardMetrics>(path);
    expect(last).toMatchObject({ packets: ada.texts.length, bytesOut: bytesIn(ada.texts) });
    await evictDurableObject(shardStub(shardId));
    const { totals } = await metricsOf<ShardMetrics>(path);
    expect(totals).toMatchObject({ messages: 23, packets: ada.texts.length });
  });
});
