import { env, exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { createWorldTargets } from "../../src/app/world-targets.ts";
import { createApp } from "../../src/app/app.ts";
import { createRooms } from "../../src/app/create-rooms.ts";
import { worlds } from "../../src/worlds.ts";
import { jwt } from "../../src/auth/jwt.ts";
import { createOperators } from "../../src/auth/operators.ts";
import { createVerifier } from "../../src/auth/verify.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { inspector } from "../../src/inspector/index.ts";
import { MOST_ROWS } from "../../src/inspector/part.ts";
import { MOST_PACKETS } from "../../src/inspector/recorder.ts";
import { MOST_CHILDREN, MOST_NODES } from "../../src/inspector/tree.ts";
import type {
  ActionList,
  RoomInspection,
  ServiceView,
  ShardInspection,
  TreeNode,
  WorldInspection,
} from "../../src/inspector/types.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, id, persist, sync } from "../../src/state/fields.ts";
import { findRoom } from "../../src/testing/registry.ts";
import inspectedWorker, { RoomObject } from "../docs/extracted/inspected-worker.ts";
import { testRoom, operatorToken, token } from "../support/harness.ts";
import type { TestRoom } from "../support/harness.ts";

class Player {
  id = id();
  name = sync(signal(""));
  online = connected();
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
}
const game = defineRoom({
  path: "game-{id}",
  throttleSync: 0,
  state: () => ({
    players: users(Player),
    title: sync(signal("")),
    seed: persist(signal(7)),
    turn: sync(signal(0), { persist: false }),
    cache: signal({ deep: [1, { two: 2 }] }),
    owner: persist(signal("")),
    things: collection(() => ({ hp: sync(signal(10)) })),
  }),
  actions: {
    title: { input: z.string().max(10_000), run: ({ state }, title) => state.title.set(title) },
    own: { run: ({ state, conn }) => state.owner.set(conn.sessionId) },
    tell: { run: ({ conn }) => ({ you: conn.sessionId, transferToken: "T".repeat(43) }) },
    later: { run: ({ room }) => room.schedule("later", 3_600_000, { note: "a payload" }) },
    buy: {
      input: z.object({ what: z.enum(["coin", "gem"]), count: z.number().int().min(1).default(1) }),
      run: () => {},
    },
    odd: { input: z.custom<object>((value) => typeof value === "object"), run: () => {} },
    things: {
      input: z.number(),
      run: ({ state }, count) => {
        for (let index = 0; index < count; index++) state.things()[`thing-${index}`] = { hp: sync(signal(index)) };
      },
    },
  },
  schedules: { later: { run: () => {} } },
  requests: { "GET /*": { run: () => "the room's own" } },
});

const pathOf = (room: TestRoom, question: string) => `/parties/${room.party}/${room.id}/${question}`;
const operator = async (claims: Record<string, unknown> = { inspect: "*" }) => ({
  authorization: `Bearer ${await operatorToken(claims)}`,
});
const ask = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  exports.default.fetch(`http://rooms.test${path}`, { ...init, headers });
async function inspect(room: TestRoom, query = ""): Promise<RoomInspection> {
  const response = await ask(pathOf(room, `$inspect${query}`), await operator());
  expect(response.status).toBe(200);
  return response.json<RoomInspection>();
}
const act = async (room: TestRoom) => ask(pathOf(room, "$evict"), await operator({ manage: "*" }), { method: "POST" });
const child = (node: TreeNode | undefined, ...keys: string[]): TreeNode | undefined =>
  keys.reduce<TreeNode | undefined>((at, key) => at?.children?.find((next) => next.key === key), node);

const sizeOf = (node: TreeNode): number => 1 + (node.children ?? []).reduce((sum, inner) => sum + sizeOf(inner), 0);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("P12.1: permissions", () => {
  const QUESTIONS = ["GET $inspect", "GET $actions", "POST $evict"];

  it.each(QUESTIONS)("P12.1: %s needs the claim", async (question) => {
    const room = testRoom(game, "game-1");
    const [method = "", path = ""] = question.split(" ");
    const status = async (claims?: Record<string, unknown>) =>
      (await ask(pathOf(room, path), claims && (await operator(claims)), { method })).status;
    const [right, other] = method === "GET" ? ["inspect", "manage"] : ["manage", "inspect"];
    expect(await status()).toBe(401);
    for (const claims of [{}, { sub: "ada" }, { rooms: "*", worlds: "*" }, { [other]: "*" }]) {
      expect([claims, await status(claims)]).toEqual([claims, 403]);
    }
    for (const wrong of ["main/other", `${room.party}/game-2`, room.party, "", 1, { "*": 1 }, ["x"]]) {
      expect([wrong, await status({ [right]: wrong })]).toEqual([wrong, 403]);
    }
    for (const given of ["*", `${room.party}/game-1`, ["other", `${room.party}/game-1`]]) {
      expect([given, await status({ [right]: given })]).toEqual([given, 200]);
    }
  });

  it("P12.1: other methods and paths do not exist, and neither does anything without an inspector", async () => {
    const room = testRoom(game, "game-1");
    const all = await operator({ inspect: "*", manage: "*", rooms: "*" });
    for (const [method, path] of [
      ["POST", "$inspect"],
      ["GET", "$evict"],
      ["GET", "$inspect/"],
      ["GET", "$toString"],
      ["GET", "$rooms"],
    ] as const) {
      const response = await ask(pathOf(room, path), all, { method });
      expect([path, response.status]).toEqual([path, 404]);
    }
    const verify = createVerifier({ secret: "AUTH_JWT_SECRET" });
    const bare = createApp({
      find: findRoom,
      verify,
      operators: createOperators("AUTH_JWT_SECRET"),
      cors: false,
    });
    const url = `http://rooms.test${pathOf(room, "$inspect")}`;
    expect((await bare.request(url, { headers: all }, env)).status).toBe(404);
    expect((await bare.request("http://rooms.test/inspector", {}, env)).status).toBe(404);
  });

  it("P12.2: no token is needed if INSPECTOR is open, except for pages of other sites", async () => {
    const room = testRoom(game, "game-1");
    const verify = createVerifier({ secret: "AUTH_JWT_SECRET" });
    const app = createApp({
      find: findRoom,
      verify,
      operators: createOperators("AUTH_JWT_SECRET"),
      cors: false,
      inspector,
      findWorldTarget: createWorldTargets(undefined),
    });
    const status = async (path: string, value: unknown, headers: Record<string, string> = {}) =>
      (await app.request(`http://localhost${path}`, { headers }, { ...env, INSPECTOR: value })).status;
    const inspect = pathOf(room, "$inspect");
    for (const value of [undefined, "", "closed", "Open", "true", true]) expect(await status(inspect, value)).toBe(401);
    for (const path of [
      inspect,
      pathOf(room, "$metrics"),
      "/parties/world/open/registry",
      "/parties/world/open/$rooms",
    ]) {
      expect([path, await status(path, "open")]).toEqual([path, 200]);
      expect(await status(path, "open", { origin: "http://localhost" })).toBe(200);
      for (const origin of ["https://evil.test", "null", "http://localhost:81"]) {
        expect(await status(path, "open", { origin })).toBe(401);
      }
    }
    // A request with a token counts as that token's user, not as an open request.
    expect(await status(inspect, "open", await operator({ sub: "ada" }))).toBe(403);
    expect(await status(inspect, "open", { authorization: "Bearer nonsense" })).toBe(401);
  });
});

describe("P12.3: the content of a room", () => {
  it("P12.3: its state, users, connections and schedules", async () => {
    const room = testRoom(game, "game-1");
    const ada = await room.connect({ id: "ada", via: "room" });
    await ada.call("title", "<img src=x onerror=alert(1)>");
    await ada.call("later");
    const { state, sessions, connections, schedules, path, metrics } = await inspect(room);
    expect(child(state, "title")).toEqual({ key: "title", kind: "text", text: '"<img src=x onerror=alert(1)>"' });
    expect(child(state, "seed")).toEqual({ key: "seed", kind: "number", text: "7", tags: ["not sent"] });
    expect(child(state, "turn")?.tags).toEqual(["not stored"]);
    expect(child(state, "cache")?.tags).toEqual(["memory only"]);
    expect(child(state, "cache", "deep", "1", "two")?.text).toBe("2");
    expect(child(state, "players")?.tags).toEqual(["users"]);
    expect(child(state, "players", ada.publicId, "hand")?.tags).toEqual(["owner only"]);
    expect(child(state, "players", ada.publicId, "id")?.text).toBe(JSON.stringify(ada.publicId));
    expect(sessions).toEqual({ total: 1, first: [{ publicId: ada.publicId, connections: 1 }] });
    expect(connections?.first).toMatchObject([{ publicId: ada.publicId, isRemote: false, protocol: 1 }]);
    expect(schedules?.first).toMatchObject([{ name: "later", payload: { children: [{ key: "note" }] } }]);
    expect([path, metrics.users]).toEqual(["game-{id}", 1]);
    ada.close();
    await expect.poll(async () => (await inspect(room)).sessions?.first[0]?.offlineSince).toBeGreaterThan(0);
  });

  it("P12.3: does not change: no packet is sent, and nothing of the state is saved", async () => {
    const room = testRoom(game, "game-1");
    const ada = await room.connect({ id: "ada", via: "room" });
    await ada.call("things", 5);
    await room.inside((_state, core) => core.handle.flush());
    const before = await room.stored();
    const seen = ada.texts.length;
    await inspect(room);
    await inspect(room);
    await ada.call("buy", { what: "coin" });
    expect(ada.texts.length).toBe(seen + 1);
    expect({ ...(await room.stored()), $counts: 0 }).toEqual({ ...before, $counts: 0 });
  });

  it("P12.3: a room that cannot start reports why, and one that never existed is unchanged", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const broken = defineRoom({
      path: "{id}",
      state: (): object => {
        throw new Error("no state today");
      },
    });
    const { metrics, state } = await inspect(testRoom(broken));
    expect(state).toBeUndefined();
    expect(metrics.errors[0]).toMatchObject({ event: "start_failed", error: "Error: no state today" });
    const never = testRoom(game, "game-never");
    await inspect(never);
    expect(await never.stored()).toEqual({});
  });

  it("P12.4: is limited, however much there is", async () => {
    const room = testRoom(game, "game-1");
    const ada = await room.connect({ id: "ada", via: "room" });
    await ada.call("things", 3000);
    await ada.call("title", "é".repeat(9000));
    await room.change((state: { cache: { set(value: unknown): void } }) => {
      let deep: unknown = 1;
      for (let depth = 0; depth < 50; depth++) deep = { deep };
      state.cache.set({ deep, wide: Array.from({ length: 200 }, () => Array.from({ length: 200 }, () => "x")) });
    });
    const response = await ask(pathOf(room, "$inspect"), await operator());
    const text = await response.text();
    expect(text.length).toBeLessThan(500_000);
    const { state } = JSON.parse(text) as RoomInspection;
    expect(state && sizeOf(state)).toBeLessThanOrEqual(MOST_NODES);
    expect(child(state, "cache")?.children?.length).toBe(2);
    expect(child(state, "things")).toMatchObject({ more: 3000 - (child(state, "things")?.children?.length ?? 0) });
    expect(child(state, "things")?.children?.length).toBeLessThanOrEqual(MOST_CHILDREN);
  });

  it("P12.4: contains only the first sessions, and the number of all", async () => {
    const room = testRoom(game, "game-1");
    await room.connect({ id: "ada", via: "room" });
    await room.inside((_state, core) => {
      for (let index = 0; index < MOST_ROWS + 50; index++)
        core.sessions.offline(core.sessions.create(`id-${index}`, undefined));
    });
    const { sessions } = await inspect(room);
    expect([sessions?.total, sessions?.first.length]).toEqual([MOST_ROWS + 51, MOST_ROWS]);
    expect(sessions?.first[0]?.offlineSince).toBeUndefined();
  });
});

describe("P12.10: a search", () => {
  it("P12.10: finds a user beyond the first rows, online or not, and their entry", async () => {
    const room = testRoom(game, "game-1");
    const ada = await room.connect({ id: "ada", via: "room" });
    await room.inside((_state, core) => {
      for (let index = 0; index < MOST_ROWS + 50; index++)
        core.sessions.offline(core.sessions.create(`id-${index}`, undefined));
    });
    const bob = await room.connect({ id: "bob", via: "room" });
    const found = await inspect(room, `?user=${bob.publicId.toUpperCase()}&field=players.${bob.publicId}`);
    expect(found.sessions).toMatchObject({ total: 1, first: [{ publicId: bob.publicId, connections: 1 }] });
    expect(found.connections).toMatchObject({ total: 1, first: [{ publicId: bob.publicId }] });
    expect(found.state?.children?.map(({ key, children }) => [key, children?.map((entry) => entry.key)])).toEqual([
      ["players", [bob.publicId]],
    ]);
    expect((await inspect(room, "?user=nobody")).sessions).toEqual({ total: 0, first: [] });
    expect((await inspect(room, "?user=&field=")).sessions?.total).toBe(MOST_ROWS + 52);
    expect(found.metrics.users).toBe(2);
    ada.close();
  });
});

describe("P12.5: recent packets", () => {
  it("P12.5: are kept while someone watches, without private ids and tokens", async () => {
    const room = testRoom(game, "game-1");
    const [adaId, bobId] = [`private-${crypto.randomUUID()}`, 'bob "the private"'];
    const ada = await room.connect({ id: adaId, via: "room" });
    const bob = await room.connect({ id: bobId, via: "room" });
    await ada.call("title", "before");
    expect((await inspect(room)).packets).toEqual([]);
    await ada.call("title", "after");
    await ada.call("tell");
    await ada.call("own");
    await bob.call("tell");
    await bob.call("title", `a ${await token({ sub: "ada" })} and more`);
    const response = await ask(pathOf(room, "$inspect"), await operator());
    const text = await response.text();
    const { packets } = JSON.parse(text) as RoomInspection;
    expect(packets[0]).toMatchObject({ direction: "in", publicId: ada.publicId });
    expect(packets[0]?.text).toBe('{"action":"title","value":"after","id":"call-1"}');
    expect(packets.map(({ direction }) => direction)).toContain("out");
    expect(packets.find(({ text: shown }) => shown.includes("you"))?.text).toContain('"you":"(private)"');
    for (const secret of [adaId, JSON.stringify(bobId).slice(1, -1), "T".repeat(43), "eyJ"])
      expect(text).not.toContain(secret);
    expect(text).not.toContain("before");
  });

  it.each(["room", "shard"] as const)("P12.5: of protocol 3 are shown as JSON, at a %s too", async (via) => {
    const room = testRoom(game, "game-1");
    const ada = await room.connect({ id: "ada", query: "protocol=2&protocol=3", via });
    const path = via === "room" ? pathOf(room, "$inspect") : `/parties/shard/${await room.shard()}/$inspect`;
    const look = async () => (await (await ask(path, await operator())).json<RoomInspection>()).packets;
    await look();
    await ada.call("title", "binary");
    const shown = (await look()).filter(({ direction }) => direction === "out");
    for (const { bytes, text } of shown) expect(bytes).toBeLessThan(text.length);
    expect(shown.map(({ text }) => JSON.parse(text) as object)).toMatchObject([
      { type: "sync", seq: 2, value: { title: "binary" } },
      { type: "ack", seq: 2, value: { id: "call-0" } },
    ]);
  });

  it("P12.5: are the latest ones, each shortened, and dropped when no one watches", async () => {
    const room = testRoom(game, "game-1");
    const ada = await room.connect({ id: "ada", via: "room" });
    await inspect(room);
    for (let index = 0; index < MOST_PACKETS; index++) await ada.call("title", "x".repeat(1000));
    const { packets } = await inspect(room);
    expect(packets.length).toBe(MOST_PACKETS);
    expect(Math.max(...packets.map(({ text }) => text.length))).toBeLessThan(500);
    expect(packets.at(-1)?.bytes).toBeGreaterThan(10);
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 11_000);
    await ada.call("title", "y");
    expect((await inspect(room)).packets).toEqual([]);
    await room.inside(() => {});
  });

  it("P12.5: of clients at a shard are shown there", async () => {
    const room = testRoom(game, "game-1");
    const secret = `private-${crypto.randomUUID()}`;
    const ada = await room.connect({ id: secret, via: "shard" });
    const path = `/parties/shard/${await room.shard()}/$inspect`;
    const look = async () => (await ask(path, await operator())).text();
    await look();
    await ada.call("tell");
    const text = await look();
    const { metrics, packets, capacity, isDraining } = JSON.parse(text) as ShardInspection;
    expect([metrics.room, capacity, isDraining]).toEqual([room.id, 1000, false]);
    expect(packets).toMatchObject([
      { direction: "in", publicId: ada.publicId },
      { direction: "out", publicId: ada.publicId },
    ]);
    expect(text).not.toContain(secret);
    expect(await inspect(room)).toMatchObject({ connections: { first: [{ isRemote: true }] }, packets: [] });
    expect(text).not.toContain("T".repeat(43));
  });
});

describe("P12.6: actions", () => {
  it("P12.6: include the JSON Schema of their values", async () => {
    const room = testRoom(game, "game-1");
    const { actions, takesOthers, needsToken } = await (
      await ask(pathOf(room, "$actions"), await operator())
    ).json<ActionList>();
    const byName = Object.fromEntries(actions.map(({ name, input }) => [name, input]));
    expect(byName["title"]).toMatchObject({ type: "string", maxLength: 10_000 });
    expect(byName["buy"]).toMatchObject({
      type: "object",
      properties: { what: { enum: ["coin", "gem"] }, count: { type: "integer", minimum: 1, default: 1 } },
      required: ["what"],
    });
    expect(byName["tell"]).toBeUndefined();
    expect(byName["odd"]).toEqual({ $schema: "https://json-schema.org/draft/2020-12/schema" });
    expect([takesOthers, needsToken]).toEqual([false, false]);
    expect((await ask(`/parties/world/w/$actions`, await operator())).status).toBe(404);
  });
});

describe("P12.7: eviction", () => {
  it("P12.7: saves, then closes the sockets of a room, which continues", async () => {
    const room = testRoom(game, "game-1");
    const ada = await room.connect({ id: "ada", via: "room" });
    const { metrics } = await inspect(room);
    ada.send({ action: "title", value: "saved" });
    await ada.call("things", 1);
    const response = await act(room);
    expect([response.status, await response.json()]).toEqual([200, { success: true }]);
    expect((await ada.closed).code).toBe(1006);
    const again = await room.connect({ id: "ada", via: "room" });
    expect(again.publicId).toBe(ada.publicId);
    const after = await inspect(room);
    expect(child(after.state, "title")?.text).toBe('"saved"');
    expect(child(after.state, "cache", "deep", "0")?.text).toBe("1");
    expect(after.metrics.wokeAt).toBeGreaterThanOrEqual(metrics.wokeAt);
    expect(after.metrics.sinceWake.messages).toBe(0);
  });

  it("P12.7: ends the memory of a shard, whose clients reconnect", async () => {
    const room = testRoom(game, "game-1");
    const ada = await room.connect({ id: "ada", via: "shard" });
    const path = `/parties/shard/${await room.shard()}/$evict`;
    expect((await ask(path, await operator({ manage: "*" }), { method: "POST" })).status).toBe(200);
    await ada.closed;
    const again = await room.connect({ id: "ada", via: "shard" });
    expect(again.publicId).toBe(ada.publicId);
  });
});

describe("P12.8: a World", () => {
  it("P12.8: lists its rooms and shards for operators", async () => {
    const path = `/parties/world/w-${crypto.randomUUID()}/$rooms`;
    expect((await ask(path, await operator({ inspect: "*" }))).status).toBe(403);
    const response = await ask(path, await operator({ worlds: "*" }));
    expect(await response.json<WorldInspection>()).toEqual({
      rooms: { total: 0, first: [] },
      shards: { total: 0, first: [] },
      listed: { total: 0, first: [] },
    });
  });
});

describe("P12.9: the page", () => {
  const config = { rooms: [game], parties: { lobby: [game] }, auth: jwt({ secret: "AUTH_JWT_SECRET" }) };
  const { app } = createRooms({ ...config, world: worlds({ ids: ["w"] }), inspector });
  const load = (path: string, headers: Record<string, string> = {}, more: object = {}) =>
    app.request(`http://localhost${path}`, { headers }, { ...env, ...more });

  it.each(["/inspector", "/inspector/main.js", "/inspector/style.css"])(
    "P12.9: %s is static, and strict",
    async (path) => {
      const response = await load(path);
      expect(response.status).toBe(200);
      expect((await response.text()).length).toBeGreaterThan(1000);
      const policy = response.headers.get("content-security-policy") ?? "";
      for (const part of [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for",
      ]) {
        expect(policy).toContain(part);
      }
      expect(policy).not.toContain("unsafe");
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    },
  );

  it("has the Worker of the documentation", async () => {
    expect((await inspectedWorker.request("/inspector")).status).toBe(200);
    expect(RoomObject.prototype).toHaveProperty("inspect");
  });

  it("P12.9: shows operators the service's configuration", async () => {
    const expected: ServiceView = {
      rooms: [
        { party: "main", path: "game-{id}" },
        { party: "lobby", path: "game-{id}" },
      ],
      worlds: ["w"],
      isOpen: false,
    };
    for (const claims of [{ inspect: "main/game-1" }, { worlds: "w" }, { rooms: [] }]) {
      const response = await load("/inspector/service", await operator(claims));
      expect(await response.json()).toEqual(expected);
      expect(response.headers.get("cache-control")).toBe("no-store");
    }
    expect((await load("/inspector/service")).status).toBe(401);
    expect((await load("/inspector/service", { authorization: "Bearer x" })).status).toBe(401);
    expect((await load("/inspector/service", await operator({ sub: "ada" }))).status).toBe(403);
    expect(await (await load("/inspector/service", {}, { INSPECTOR: "open" })).json()).toEqual({
      ...expected,
      isOpen: true,
    });
    const evil = { origin: "https://evil.test" };
    expect((await load("/inspector/service", evil, { INSPECTOR: "open" })).status).toBe(401);
  });
});
