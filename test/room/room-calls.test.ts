import { exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import type { GuardContext, RoomAddress } from "../../src/define/types.ts";
import { RoomError } from "../../src/protocol/errors.ts";
import { persist, sync } from "../../src/state/fields.ts";
import { testRoom, token } from "../support/harness.ts";

/** The callers that guards saw, in the order of the calls. */
const callers: (RoomAddress | undefined)[] = [];
const note = ({ caller }: GuardContext) => callers.push(caller) > 0;
const address = z.object({ party: z.string(), id: z.string() });

const board = defineRoom({
  path: "board-{id}",
  throttleStorage: 0,
  actionTimeout: 200,
  state: () => ({ scores: persist(signal<Record<string, number>>({})), log: sync(signal<string[]>([])) }),
  guards: [note],
  actions: {
    add: {
      from: "rooms",
      input: z.object({ name: z.string(), score: z.number() }),
      guards: [note, (_context, value) => (value as { name: string }).name !== "mallory"],
      run({ state, caller }, { name, score }) {
        state.scores.mutate((scores) => void (scores[name] = score));
        return { caller, rank: Object.values(state.scores()).filter((other) => other > score).length + 1 };
      },
    },
    fail: {
      from: "rooms",
      run(_context, code) {
        if (code === "plain") throw new Error("hunter2");
        throw new RoomError("room_full", "Come back later");
      },
    },
    nothing: { from: "rooms", run() {} },
    hang: { from: "rooms", run: () => new Promise(() => {}) },
    die: { from: "rooms", run: ({ room }) => room.destroy() },
    back: { from: "rooms", run: ({ room, caller }) => room.call(caller, "touch", 1) },
    add5: { run: () => 5 },
  },
  unhandledAction: { run: () => "unhandled" },
  requests: {
    "GET /who": {
      guards: [note],
      run: ({ caller, auth, request }) => ({ caller, auth, own: [...request.headers.keys()] }),
    },
    "GET /scores": { run: ({ state }) => state.scores() },
  },
});

const game = defineRoom({
  path: "game-{id}",
  throttleSync: 0,
  state: () => ({ touched: sync(signal(0)) }),
  actions: {
    add: {
      input: z.object({ to: address, name: z.string(), score: z.number() }),
      run: ({ room }, { to, ...value }) => room.call(board, to, "add", value),
    },
    call: {
      input: z.object({ to: z.union([address, z.string()]), action: z.string(), value: z.unknown().optional() }),
      run: ({ room }, { to, action, value }) => room.call(to, action, value),
    },
    wrongKind: { run: ({ room }) => room.call(board, room.id, "nothing") },
    circular: {
      input: address,
      run({ room }, to) {
        const value: Record<string, unknown> = {};
        value["self"] = value;
        return room.call(to, "add", value);
      },
    },
    fetch: {
      input: z.object({ to: address, path: z.string(), headers: z.record(z.string(), z.string()).optional() }),
      async run({ room }, { to, path, headers }) {
        const response = await room.fetch(to, path, headers ? { headers } : {});
        return { status: response.status, body: await response.json() };
      },
    },
    touch: {
      from: "rooms",
      run({ state }, by) {
        state.touched.update((touched) => touched + Number(by));
        return state.touched();
      },
    },
  },
});

const answerOf = async (asked: Promise<{ value: Record<string, unknown> }>) => (await asked).value;
/** Everything that an outsider could send to pretend to be a room. */
const pretended = (self: RoomAddress) => ({
  "x-durable-rooms-caller": encodeURIComponent(JSON.stringify(self)),
  "X-DURABLE-ROOMS-CALLER": encodeURIComponent(JSON.stringify(self)),
  "x-access-shard": "a secret of the tests' shards",
  "x-durable-rooms-auth": encodeURIComponent(JSON.stringify({ sub: "room" })),
});

beforeEach(() => {
  callers.length = 0;
});

describe("calls between rooms", () => {
  it("reach a room of another party, which gets the caller, also in guards", async () => {
    const [scores, room] = [testRoom(board, "board-1"), testRoom(game, "game-1")];
    const to = { party: scores.party, id: scores.id };
    const self = { party: room.party, id: room.id };
    const client = await room.connect({ token: await token({ sub: "ada" }) });
    expect(await answerOf(client.call("add", { to, name: "Ada", score: 5 }))).toMatchObject({
      result: { caller: self, rank: 1 },
    });
    expect(await answerOf(client.call("add", { to, name: "Bob", score: 3 }))).toMatchObject({ result: { rank: 2 } });
    // Only the guards of the action ran.
    expect(callers).toEqual([self, self]);
    expect(await (await scores.fetch("/scores")).json()).toEqual({ Ada: 5, Bob: 3 });
    expect(await answerOf(client.call("call", { to, action: "nothing" }))).toEqual({
      id: expect.any(String) as string,
    });
  });

  it("find what is stored after a crash of the other room, and an eviction of both", async () => {
    const [scores, room] = [testRoom(board, "board-2"), testRoom(game, "game-2")];
    const to = { party: scores.party, id: scores.id };
    const client = await room.connect();
    await client.call("add", { to, name: "Ada", score: 5 });
    await scores.inside((_state, _core, ctx) => ctx.abort("crashed by the test")).catch(() => {});
    expect(await answerOf(client.call("add", { to, name: "Bob", score: 3 }))).toMatchObject({ result: { rank: 2 } });
    await scores.evict();
    await room.evict();
    expect(await answerOf(client.call("add", { to, name: "Eve", score: 1 }))).toMatchObject({ result: { rank: 3 } });
  });

  it("return the error of the action, and nothing else of what went wrong", async () => {
    const [scores, room] = [testRoom(board, "board-3"), testRoom(game, "game-3")];
    const to = { party: scores.party, id: scores.id };
    const client = await room.connect();
    const refusal = (action: string, value?: unknown, where: unknown = to) =>
      answerOf(client.call("call", { to: where, action, value }));
    expect(await refusal("fail")).toMatchObject({ code: "room_full", message: "Come back later" });
    const internal = await refusal("fail", "plain");
    expect([internal["code"], JSON.stringify(internal)]).toEqual(["internal", expect.not.stringContaining("hunter2")]);
    expect(await refusal("add", { name: 1 })).toMatchObject({
      code: "invalid_input",
      issues: [{ path: ["name"] }, { path: ["score"] }],
    });
    expect(await refusal("add", { name: "mallory", score: 1 })).toMatchObject({ code: "forbidden" });
    expect(await refusal("hang")).toMatchObject({ code: "timeout" });
    expect(await refusal("add5")).toMatchObject({ code: "unknown_action" });
    expect(await refusal("anything")).toMatchObject({ code: "unknown_action" });
    expect(await refusal("toString")).toMatchObject({ code: "unknown_action" });
    for (const nowhere of [
      "elsewhere-1",
      { party: scores.party, id: "game-1" },
      { party: "world", id: "w" },
      { party: "shard", id: "s" },
    ]) {
      expect(await refusal("nothing", 1, nowhere)).toMatchObject({ code: "not_found" });
    }
    expect(await answerOf(client.call("wrongKind"))).toMatchObject({ code: "not_found" });
    expect(await answerOf(client.call("circular", to))).toMatchObject({ code: "internal" });
  });

  it("fail if the other room crashes meanwhile, and are not repeated", async () => {
    const [scores, room] = [testRoom(board, "board-4"), testRoom(game, "game-4")];
    const to = { party: scores.party, id: scores.id };
    const client = await room.connect();
    const answer = answerOf(client.call("call", { to, action: "hang" }));
    await scores.inside((_state, _core, ctx) => ctx.abort("crashed by the test")).catch(() => {});
    expect(await answer).toMatchObject({ code: expect.stringMatching(/internal|timeout/) as string });
    expect(await answerOf(client.call("add", { to, name: "Ada", score: 5 }))).toMatchObject({ result: { rank: 1 } });
  });

  it("a room that calls back its caller is answered without waiting", async () => {
    const [scores, room] = [testRoom(board, "board-5"), testRoom(game, "game-5")];
    const to = { party: scores.party, id: scores.id };
    const [client, other] = [await room.connect(), await room.connect()];
    expect(await answerOf(client.call("call", { to, action: "back" }))).toMatchObject({ result: 1 });
    await other.sees((state: { touched: number }) => state.touched === 1);
  });

  it("a room that is being destroyed answers, and later callers find a new one", async () => {
    const [scores, room] = [testRoom(board, "board-6"), testRoom(game, "game-6")];
    const to = { party: scores.party, id: scores.id };
    const client = await room.connect();
    await client.call("add", { to, name: "Ada", score: 5 });
    expect((await client.call("call", { to, action: "die" })).type).toBe("ack");
    expect(await answerOf(client.call("add", { to, name: "Bob", score: 3 }))).toMatchObject({ result: { rank: 1 } });
    expect(await (await scores.fetch("/scores")).json()).toEqual({ Bob: 3 });
    await scores.inside((_state, _core, ctx) => ctx.abort("crashed by the test")).catch(() => {});
    expect(await (await scores.fetch("/scores")).json()).toEqual({ Bob: 3 });
  });

  it("cannot be made by clients", async () => {
    const room = testRoom(board, "board-7");
    const self = { party: room.party, id: room.id };
    const client = await room.connect({ headers: pretended(self) });
    for (const action of ["add", "nothing", "fail"]) {
      expect(await answerOf(client.call(action, { name: "Eve", score: 1e9 }))).toMatchObject({
        code: "forbidden",
        action,
      });
    }
    expect(await answerOf(client.call("other"))).toMatchObject({ result: "unhandled" });
    expect(await (await room.fetch("/scores")).json()).toEqual({});
  });
});

describe("requests between rooms", () => {
  it("reach any party, without claims, and name the room that sends them", async () => {
    const [scores, room] = [testRoom(board, "board-8"), testRoom(game, "game-8")];
    const to = { party: scores.party, id: scores.id };
    const self = { party: room.party, id: room.id };
    const client = await room.connect({ token: await token({ sub: "ada" }) });
    expect(await answerOf(client.call("fetch", { to, path: "/who" }))).toMatchObject({
      result: { status: 200, body: { caller: self, auth: null, own: [] } },
    });
    expect(callers).toEqual([self, self]);
    // Even a room cannot claim to be another room, or to act for a user.
    const headers = { ...pretended(to), "x-mine": "1" };
    expect(await answerOf(client.call("fetch", { to, path: "/who", headers }))).toMatchObject({
      result: { body: { caller: self, auth: null, own: expect.arrayContaining(["x-mine"]) as unknown } },
    });
    const nowhere = { party: scores.party, id: "game-1" };
    expect(await answerOf(client.call("fetch", { to: nowhere, path: "/who" }))).toMatchObject({ code: "not_found" });
  });

  it("cannot be forged by outsiders: at the room, at a shard, or at a World", async () => {
    const room = testRoom(board, "board-9");
    const self = { party: room.party, id: room.id };
    for (const via of ["room", "shard"] as const) {
      const { party, room: id } = await room.place(via);
      const url = `http://rooms.test/parties/${party}/${encodeURIComponent(id)}/who`;
      for (const path of [url, `${url}?x-durable-rooms-caller=1&caller=1`]) {
        const answer = await (await exports.default.fetch(path, { headers: pretended(self) })).json<object>();
        expect(answer).toMatchObject({ auth: null });
        expect(answer).not.toHaveProperty("caller");
        expect(JSON.stringify(answer)).not.toContain("x-durable-rooms");
      }
      await room.connect({ via, headers: pretended(self) });
    }
    expect(callers.length).toBeGreaterThan(5);
    expect(new Set(callers)).toEqual(new Set([undefined]));
    const world = await exports.default.fetch("http://rooms.test/parties/world/w1/registry", {
      headers: pretended(self),
    });
    expect(world.status).toBe(401);
  });
});

describe("definitions", () => {
  it("accept no other from than rooms", () => {
    const actions = { a: { from: "everyone" as never, run() {} } };
    expect(() => defineRoom({ path: "a", state: () => ({}), actions })).toThrow(
      /the action "a" has a from that is not "rooms"/,
    );
  });

  it("rooms of one party call each other by their ids", async () => {
    const one = testRoom(game, "game-10");
    const other = one.sibling("game-11");
    const client = await one.connect();
    expect(await answerOf(client.call("call", { to: other.id, action: "touch", value: 3 }))).toMatchObject({
      result: 3,
    });
  });
});
