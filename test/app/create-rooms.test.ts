import { env } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import * as library from "../../src/index.ts";
import type { WorldsService } from "../../src/index.ts";
import { worlds } from "../../src/worlds.ts";
import { inspector } from "../../src/inspector/index.ts";
import { assertBindings, ROOM_BINDINGS, WORLD_BINDINGS } from "../../src/objects/bindings.ts";
import { operatorToken } from "../support/harness.ts";

const { createRooms, defineRoom, jwt, sync } = library;
const state = () => ({ a: sync(signal(0)) });
const room = (path: string, options = {}) => defineRoom({ path, state, ...options });

describe("createRooms throws at start-up and says what to do", () => {
  it.each<[string, () => unknown, string]>([
    ["no room", () => createRooms({ rooms: [] }), "there is no room"],
    [
      "the same path twice",
      () => createRooms({ rooms: [room("a-{id}"), room("a-{name}")] }),
      'have the path "a-{name}"',
    ],
    ["something else", () => createRooms({ rooms: [{} as never] }), "not made with defineRoom()"],
    ["a built-in party", () => createRooms({ parties: { world: [room("a")] } }), "is built in"],
    ["a malformed party", () => createRooms({ parties: { "a b": [room("a")] } }), "is not a valid party name"],
    ["main twice", () => createRooms({ rooms: [room("a")], parties: { main: [room("b")] } }), "not in both"],
    ["an unknown option", () => createRooms({ rooms: [room("a")], origin: "*" } as never), 'no option "origin"'],
    ["auth missing", () => createRooms({ rooms: [room("a", { auth: "required" })] }), "Add auth"],
    ["auth malformed", () => createRooms({ rooms: [room("a")], auth: jwt({ secret: "" }) }), "name of a secret"],
    [
      "auth, as in earlier versions",
      () => createRooms({ rooms: [room("a")], auth: { secret: "AUTH_JWT_SECRET" } as never }),
      "Write auth: jwt({ … })",
    ],
    [
      "jwks malformed",
      () => createRooms({ rooms: [room("a")], auth: jwt({ jwksUrl: "x", issuer: "i", audience: "a" }) }),
      "jwksUrl",
    ],
    ["a binding missing", () => assertBindings(ROOM_BINDINGS, {}), 'name = "ROOMS"'],
    ["none there yet", () => assertBindings(WORLD_BINDINGS, {}), 'tag = "v1"'],
    ["others added to a service", () => assertBindings(WORLD_BINDINGS, { ROOMS: 1 }), 'tag = "v2"'],
    ["those of Worlds missing", () => assertBindings(WORLD_BINDINGS, { ROOMS: 1 }), '["WorldObject", "ShardObject"]'],
    [
      "a World malformed",
      () => createRooms({ rooms: [room("a")], world: worlds({ shardCapacity: 0 }) }),
      "world.shardCapacity",
    ],
    [
      "the options of Worlds, as in earlier versions",
      () => createRooms({ rooms: [room("a")], world: { shardCapacity: 75 } as never }),
      "Write world: worlds({ … })",
    ],
    [
      "transfers missing",
      () => createRooms({ rooms: [room("a", { onSessionRestore: () => undefined })] }),
      "Add transfers, and import",
    ],
    [
      "transfers malformed",
      () => createRooms({ rooms: [room("a")], transfers: true as never }),
      'transfers has to be that of "durable-rooms"',
    ],
    [
      "a class of Worlds, without Worlds",
      () => (createRooms({ rooms: [room("a")] }) as unknown as WorldsService).ShardObject,
      "Add world: worlds()",
    ],
  ])("%s", (_, make, message) => {
    expect(make).toThrow(message);
  });

  it("makes an app and the object's class otherwise", () => {
    const { app, RoomObject } = createRooms({
      rooms: [room("a")],
      parties: { lobby: [room("b")] },
      auth: jwt({ secret: "AUTH_JWT_SECRET" }),
    });
    expect([typeof app.fetch, RoomObject.name]).toEqual(["function", "RoomObject"]);
  });
});

describe("the endpoints for operators in a service without auth", () => {
  const ask = async (config: object) => {
    const { app } = createRooms({ rooms: [room("a")], cors: false, ...config });
    const headers = { authorization: `Bearer ${await operatorToken({ rooms: "*" })}` };
    return app.request("http://rooms.test/parties/main/a/$metrics", { headers }, env);
  };

  it.each([
    ["accept operators' tokens with Worlds", () => ({ world: worlds() })],
    ["accept operators' tokens with an inspector", () => ({ inspector })],
  ])("%s", async (_, config) => {
    expect((await ask(config())).status).toBe(200);
  });

  it("refuse all tokens otherwise, and the response says what to do", async () => {
    const response = await ask({});
    expect([response.status, await response.text()]).toEqual([401, expect.stringContaining("auth: jwt(")]);
  });
});

const step = (snapshot: unknown) => snapshot;

describe("defineRoom throws at once and names the problem", () => {
  it.each<[string, unknown, string]>([
    ["nothing", undefined, "one object"],
    ["no path", { state }, "needs a path"],
    ["no state", { path: "a" }, "state has to be a function"],
    ["an unknown option", { path: "a", state, maxUser: 1 }, 'no option "maxUser"'],
    ["an unbalanced brace", { path: "a-{id", state }, "Unbalanced brace"],
    ["a nameless segment", { path: "a-{}", state }, "Malformed segment"],
    ["a hostile segment", { path: "a-{__proto__}", state }, "Malformed segment"],
    ["a segment twice", { path: "{a}-{a}", state }, "twice"],
    ["a negative limit", { path: "a", state, maxUsers: 0 }, "maxUsers has to be a number from 1"],
    ["NaN", { path: "a", state, throttleSync: Number.NaN }, "throttleSync"],
    ["a word for a number", { path: "a", state, throttleStorage: "1000" }, "throttleStorage"],
    ["a tick without a rate", { path: "a", state, tick: { run() {} } }, "tick.hz"],
    ["a guard that is none", { path: "a", state, guards: [1] }, "list of guards"],
    ["an action that is none", { path: "a", state, actions: { go: 1 } }, 'the action "go"'],
    ["an action without run", { path: "a", state, actions: { go: {} } }, 'the action "go" run has to be a function'],
    ["an input that is not a schema", { path: "a", state, actions: { go: { run() {}, input: {} } } }, "not a schema"],
    ["a malformed route", { path: "a", state, requests: { "/x": { run() {} } } }, '"GET /players/:id"'],
    ["a method that is none", { path: "a", state, requests: { "FLY /x": { run() {} } } }, "FLY /x"],
    [
      "a route twice",
      { path: "a", state, requests: { "GET /:a": { run() {} }, "GET /:b": { run() {} } } },
      "Two requests",
    ],
    ["a hostile parameter", { path: "a", state, requests: { "GET /:__proto__": { run() {} } } }, ":__proto__"],
    ["a hook that is none", { path: "a", state, onJoin: true }, "onJoin has to be a function"],
    ["a version that is none", { path: "a", state, version: 1.5 }, "version has to be a whole number from 1"],
    ["version 0", { path: "a", state, version: 0 }, "version has to be a whole number from 1"],
    ["a version without steps", { path: "a", state, version: 2 }, "migrate has no step 2"],
    ["a missing step", { path: "a", state, version: 3, migrate: { 3: step } }, "migrate has no step 2. Version 3"],
    ["a step too many", { path: "a", state, version: 2, migrate: { 2: step, 3: step } }, 'migrate has a step "3"'],
    ["a step without a version", { path: "a", state, migrate: { 2: step } }, 'a step "2". Version 1'],
    ["a step to the first", { path: "a", state, version: 2, migrate: { 1: step, 2: step } }, 'a step "1"'],
    ["a step of no number", { path: "a", state, version: 2, migrate: { 2: step, two: step } }, 'a step "two"'],
    ["a step of a half", { path: "a", state, version: 2, migrate: { 2: step, "2.0": step } }, 'a step "2.0"'],
    ["a step that is none", { path: "a", state, version: 2, migrate: { 2: {} } }, "migrate[2] has to be a function"],
    ["steps that are none", { path: "a", state, version: 2, migrate: [step] }, "migrate has to be an object"],
  ])("%s", (_, definition, message) => {
    expect(() => defineRoom(definition as never)).toThrow(message);
  });
});

describe("marking fields", () => {
  const { collection, persist, users } = library;
  it.each<[string, () => unknown, string]>([
    ["sync of nothing", () => sync(5 as never), "sync() takes a signal"],
    ["sync twice", () => sync(sync(signal(1))), "mark each signal once"],
    ["persist of no signal", () => persist({} as never), "persist() takes"],
    ["a collection of nothing", () => collection(undefined as never), "collection() takes"],
    ["users of nothing", () => users(undefined as never), "users() takes"],
  ])("%s", (_, make, message) => {
    expect(make).toThrow(message);
  });
});

it("the public API is exactly this list", () => {
  expect(Object.keys(library).toSorted()).toEqual([
    "EVERYTHING",
    "RoomError",
    "boolean",
    "byKey",
    "collection",
    "computed",
    "connected",
    "createRooms",
    "defineRoom",
    "eachItem",
    "float32",
    "id",
    "integer",
    "jwt",
    "loadInto",
    "near",
    "oneOf",
    "persist",
    "quantized",
    "reference",
    "requireAuth",
    "requireClaim",
    "requireSession",
    "sameKey",
    "signal",
    "snapshotOf",
    "sync",
    "transfers",
    "users",
  ]);
});
