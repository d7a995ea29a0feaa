import { exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { SignJWT } from "jose";
import { describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app/app.ts";
import { createVerifier } from "../../src/auth/verify.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync } from "../../src/state/fields.ts";
import { testRoom, token } from "../support/harness.ts";

const open = defineRoom({
  path: "room-{id}",
  state: () => ({ count: sync(signal(0)) }),
  requests: { "GET /me": { run: ({ auth, room }) => ({ auth, id: room.id }) }, "POST /x": { run: () => "posted" } },
  actions: { me: { run: ({ auth }) => auth } },
});
const closed = defineRoom({
  path: "room-{id}",
  auth: "required",
  state: () => ({ count: sync(signal(0)) }),
  requests: { "GET /me": { run: ({ auth }) => auth } },
});

const fetch = (path: string, init?: RequestInit) => exports.default.fetch(`http://rooms.test${path}`, init);
const upgrade = { headers: { upgrade: "websocket" } };

async function closeOf(response: Response): Promise<{ code: number; reason: string }> {
  const socket = response.webSocket;
  if (!socket) throw new Error(`no socket: ${response.status}`);
  const { promise, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
  socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
  socket.accept();
  return promise;
}

describe("P1: URLs", () => {
  it("P1.1: an unknown room is 404, or a socket closed with 4404", async () => {
    for (const path of [
      "/parties/main/nothing",
      "/parties/none/room-1",
      "/parties/main/%E0%A4%A",
      "/parties/main",
      "/parties/a b/room-1",
    ]) {
      expect((await fetch(path)).status, path).toBe(404);
    }
    expect(await (await fetch("/parties/main/nothing")).json()).toEqual({
      error: "There is no such room",
      code: "not_found",
    });
    expect(await closeOf(await fetch("/parties/main/nothing", upgrade))).toEqual({
      code: 4404,
      reason: "There is no such room",
    });
  });

  it("P1.2: a room id may contain any character, and is decoded once", async () => {
    for (const id of ["room-a/b", "room-a:b", "room-ü %41", "room-..", "room-?#&"]) {
      const answer = await testRoom(open, id).fetch("/me");
      expect(await answer.json()).toMatchObject({ id });
    }
  });

  it("other routes belong to the app", async () => {
    expect(await (await fetch("/health")).json()).toEqual({ status: "ok" });
    expect((await fetch("/elsewhere")).status).toBe(404);
    const app = createApp({ find: () => undefined, verify: undefined, cors: false });
    app.get("/mine", (c) => c.text("mine"));
    expect(await (await app.request("/mine")).text()).toBe("mine");
  });
});

describe("CORS", () => {
  it("answers preflight requests itself, and adds headers to the room's answers", async () => {
    const room = testRoom(open);
    const preflight = await room.fetch("/x", {
      method: "OPTIONS",
      headers: { origin: "http://else.test", "access-control-request-method": "POST" },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
    expect(
      (await room.fetch("/me", { headers: { origin: "http://else.test" } })).headers.get("access-control-allow-origin"),
    ).toBe("*");
    expect((await room.fetch("/nothing")).headers.get("access-control-allow-origin")).toBe("*");
  });
});

describe("P1.4: tokens", () => {
  it("are read from the header or the query, and their claims reach the room", async () => {
    const room = testRoom(open);
    const jwt = await token({ sub: "ada", role: "admin" });
    const byHeader = await room.fetch("/me", { headers: { authorization: `Bearer ${jwt}` } });
    expect(await byHeader.json()).toMatchObject({ auth: { sub: "ada", role: "admin" } });
    const client = await room.connect({ token: jwt });
    expect((await client.call("me")).value["result"]).toMatchObject({ sub: "ada" });
    await room.evict();
    expect((await client.call("me")).value["result"]).toMatchObject({ sub: "ada" });
    expect((await (await room.fetch("/me")).json<{ auth: unknown }>()).auth).toBeNull();
  });

  const key = (text: string) => new TextEncoder().encode(text);
  const sign = (secret: string, alg = "HS256") =>
    new SignJWT({ sub: "eve" }).setProtectedHeader({ alg }).setExpirationTime("1h").sign(key(secret));
  const unsigned = `${btoa('{"alg":"none"}')}.${btoa('{"sub":"eve"}')}.`.replaceAll("=", "");
  const cases: [string, () => Promise<string> | string, string][] = [
    ["that are none", () => "garbage", "The token is not valid"],
    ["without a signature", () => unsigned, "The token is not valid"],
    ["with another key", () => sign("another secret of 32 bytes or more!"), "The token is not valid"],
    [
      "with another algorithm",
      () => sign("a secret of the tests, 32 bytes or more", "HS512"),
      "The token is not valid",
    ],
    ["that expired", () => token({ sub: "ada" }, Math.floor(Date.now() / 1000) - 60), "The token has expired"],
    ["that are huge", () => token({ text: "x".repeat(9000) }), "The token is too large"],
  ];
  it.each(cases)("%s are refused, even if no token is needed", async (_, make, reason) => {
    const jwt = await make();
    for (const definition of [open, closed]) {
      const room = testRoom(definition);
      const answer = await room.fetch(`/me?token=${jwt}`);
      expect([answer.status, await answer.json()]).toEqual([401, { error: reason, code: "unauthenticated" }]);
      expect(await (await room.open({ token: jwt })).closed).toEqual({ code: 4401, reason });
    }
  });

  it("are needed if the room requires them", async () => {
    const room = testRoom(closed);
    expect((await room.fetch("/me")).status).toBe(401);
    expect(await (await room.open()).closed).toEqual({ code: 4401, reason: "This room needs a token" });
    await room.connect({ token: await token({ sub: "ada" }) });
  });

  it("without a secret everyone is refused, and the log says what to do", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const room = { room: closed, params: {} };
    const app = createApp({ find: () => room, verify: createVerifier({ secret: "AUTH_JWT_SECRET" }), cors: false });
    for (const secret of [undefined, "", "short"]) {
      const jwt = await token({ sub: "ada" });
      const answer = await app.request(
        `/parties/main/room-1/me?token=${jwt}`,
        {},
        {
          AUTH_JWT_SECRET: secret,
        },
      );
      expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining("SECRET")]);
    }
    expect(log.mock.calls.join()).toContain("wrangler secret put AUTH_JWT_SECRET");
    log.mockRestore();
  });
});

describe("a room object that fails", () => {
  it("is called again if the runtime recommends it, unless that could run something twice", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    let failures = 0;
    const failing = (error: object) => ({
      idFromName: () => ({}),
      get: () => ({
        fetch: async () => {
          failures++;
          throw Object.assign(new Error("internal detail"), error);
        },
      }),
    });
    const app = createApp({ find: () => ({ room: open, params: {} }), verify: undefined, cors: false });
    const attempts = async (method: string, error: object) => {
      failures = 0;
      const answer = await app.request("/parties/main/room-1/me", { method }, { ROOMS: failing(error) });
      expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining("detail")]);
      return failures;
    };
    expect(await attempts("GET", { retryable: true })).toBe(3);
    expect(await attempts("POST", { retryable: true })).toBe(1);
    expect(await attempts("GET", { retryable: true, overloaded: true })).toBe(1);
    expect(await attempts("GET", {})).toBe(1);
    log.mockRestore();
  });
});
