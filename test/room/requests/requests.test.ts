import { signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { persist, sync } from "../../../src/state/fields.ts";
import { testRoom, token } from "../../support/harness.ts";

class Player {
  score = sync(signal(7));
  hand = sync(signal(["ace"]), { visibleTo: "owner" });
  note = persist(signal("server only"));
}

const definition = defineRoom({
  path: "room-{id}",
  maxMessageBytes: 200,
  state: () => ({ status: sync(signal("waiting")), scores: sync(signal<number[]>([])), players: users(Player) }),
  guards: [({ auth, request }) => auth?.["banned"] !== true && request?.headers.get("x-block") !== "1"],
  requests: {
    "GET /status": { run: ({ state }) => ({ status: state.status() }) },
    "GET /players/:id": {
      run: ({ state, params, res }) => state.players()[params.id] ?? res.notFound("Player not found"),
    },
    "GET /text": { run: () => "plain" },
    "GET /nothing": { run: () => undefined },
    "GET /null": { run: () => null },
    "GET /own": { run: () => new Response("own", { status: 418 }) },
    "GET /query": { run: ({ query }) => [...query] },
    "GET /echo/:a/:b": { run: ({ params }) => params },
    "GET /headers": { run: ({ request }) => Object.fromEntries(request.headers) },
    "GET /auth": { run: ({ auth, request }) => ({ sub: auth?.["sub"], url: request.url }) },
    "GET /broken": {
      run() {
        throw new Error("hunter2");
      },
    },
    "GET /closed": { guards: [() => false], run: () => "never" },
    "GET /elsewhere": { guards: [() => Response.redirect("http://rooms.test/login")], run: () => "never" },
    "POST /scores": {
      body: z.object({ score: z.coerce.number().min(0) }),
      guards: [async (_, body) => Promise.resolve((body as { score: number }).score !== 13)],
      run({ state, body, res }) {
        state.scores.update((scores) => [...scores, body.score]);
        return res.success({ success: true });
      },
    },
    "GET /res/:kind": {
      run({ params, res }) {
        switch (params.kind) {
          case "success":
            return res.success();
          case "bad":
            return res.badRequest("No", { field: "x" });
          case "unauthorized":
            return res.unauthorized();
          case "notPermitted":
            return res.notPermitted();
          case "serverError":
            return res.serverError();
          case "status":
            return res.status(201).header("x-a", "1").json({ made: true });
          case "text":
            return res.status(202).text("hi");
          default:
            return res.redirect("/elsewhere", 303);
        }
      },
    },
  },
});

const json = (body: unknown): RequestInit => ({
  method: "POST",
  body: typeof body === "string" ? body : JSON.stringify(body),
});

describe("requests", () => {
  it("answer values as JSON, text as text, a Response unchanged, undefined as 204", async () => {
    const room = testRoom(definition);
    const status = await room.fetch("/status");
    expect([status.status, status.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(await status.json()).toEqual({ status: "waiting" });
    const text = await room.fetch("/text");
    expect([await text.text(), text.headers.get("content-type")]).toEqual(["plain", "text/plain; charset=utf-8"]);
    expect((await room.fetch("/nothing")).status).toBe(204);
    expect(await (await room.fetch("/null")).json()).toBeNull();
    expect((await room.fetch("/own")).status).toBe(418);
  });

  it("read signals, and include only public fields of an entry", async () => {
    const room = testRoom(definition);
    const client = await room.connect();
    expect(await (await room.fetch(`/players/${client.publicId}`)).json()).toEqual({ score: 7 });
    const missing = await room.fetch("/players/nobody");
    expect([missing.status, await missing.json()]).toEqual([404, { error: "Player not found" }]);
  });

  it("get decoded parameters and the query", async () => {
    const room = testRoom(definition);
    expect(await (await room.fetch("/echo/a%2Fb/%C3%A9")).json()).toEqual({ a: "a/b", b: "é" });
    expect(await (await room.fetch("/query?x=1&x=2&y=%26")).json()).toEqual([
      ["x", "1"],
      ["x", "2"],
      ["y", "&"],
    ]);
    expect((await room.fetch("/echo/%E0%A4%A/x")).status).toBe(400);
  });

  it("take a validated body, and nothing else", async () => {
    const room = testRoom(definition);
    expect(await (await room.fetch("/scores", json({ score: "5" }))).json()).toEqual({ success: true });
    const invalid = await room.fetch("/scores", json({ score: -1 }));
    expect([invalid.status, await invalid.json()]).toMatchObject([
      400,
      { code: "invalid_input", issues: [{ path: ["score"] }] },
    ]);
    for (const body of ["{", "", '{"score":1,"__proto__":{}}'])
      expect((await room.fetch("/scores", json(body))).status).toBe(400);
    expect((await room.fetch("/scores", json({ score: 1, x: "x".repeat(300) }))).status).toBe(413);
    await room.inside((state) => expect([...state.scores()]).toEqual([5]));
  });

  it("run guards: false is 403, a Response is the answer, and the route's guards get the parsed body", async () => {
    const room = testRoom(definition);
    const closed = await room.fetch("/closed");
    expect([closed.status, await closed.json()]).toEqual([403, { error: "Not permitted" }]);
    expect((await room.fetch("/elsewhere", { redirect: "manual" })).status).toBe(302);
    expect((await room.fetch("/scores", json({ score: 13 }))).status).toBe(403);
    expect((await room.fetch("/status", { headers: { "x-block": "1" } })).status).toBe(403);
    const banned = await token({ banned: true });
    expect((await room.fetch("/status", { headers: { authorization: `Bearer ${banned}` } })).status).toBe(403);
  });

  it("answer 404 for an unknown path, 405 with Allow for another method, HEAD without a body", async () => {
    const room = testRoom(definition);
    const unknown = await room.fetch("/fly");
    expect([unknown.status, await unknown.json()]).toEqual([404, { error: "Not found" }]);
    const wrong = await room.fetch("/status", { method: "DELETE" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect((await room.fetch("/scores")).headers.get("allow")).toBe("POST");
    const head = await room.fetch("/status", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it.each([
    ["success", 200, { success: true }],
    ["bad", 400, { error: "No", field: "x" }],
    ["unauthorized", 401, { error: "Unauthorized" }],
    ["notPermitted", 403, { error: "Not permitted" }],
    ["serverError", 500, { error: "Internal server error" }],
    ["status", 201, { made: true }],
  ])("res helper %s answers %i", async (kind, status, body) => {
    const answer = await testRoom(definition).fetch(`/res/${kind}`);
    expect([answer.status, await answer.json()]).toEqual([status, body]);
    if (kind === "status") expect(answer.headers.get("x-a")).toBe("1");
  });

  it("res.text and res.redirect", async () => {
    const room = testRoom(definition);
    const text = await room.fetch("/res/text");
    expect([text.status, await text.text()]).toEqual([202, "hi"]);
    const redirect = await room.fetch("/res/redirect", { redirect: "manual" });
    expect([redirect.status, redirect.headers.get("location")]).toEqual([303, "/elsewhere"]);
  });

  it("that throw answer 500 without details, and are logged", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const broken = await testRoom(definition).fetch("/broken");
    expect(broken.status).toBe(500);
    expect(await broken.text()).not.toContain("hunter2");
    expect(log.mock.calls[0]?.[0]).toContain("hunter2");
    log.mockRestore();
  });

  it("change the state as actions do", async () => {
    const room = testRoom(definition);
    const client = await room.connect();
    await room.fetch("/scores", json({ score: 5 }));
    await client.sees((state: { scores: number[] }) => state.scores.join() === "5");
  });

  it("P1.5: never pass credentials or the service's own headers to handlers", async () => {
    const room = testRoom(definition);
    const jwt = await token({ sub: "ada" });
    const spoofed = {
      "x-durable-rooms-auth": "%7B%22sub%22%3A%22eve%22%7D",
      "X-Durable-Rooms-Other": "1",
      "x-access-shard": "s",
    };
    const headers = await (
      await room.fetch("/headers", { headers: { ...spoofed, authorization: `Bearer ${jwt}` } })
    ).json<object>();
    expect(JSON.stringify(headers)).not.toMatch(/durable-rooms|eve|access-shard|authorization/);
    expect(await (await room.fetch("/auth", { headers: spoofed })).json()).toMatchObject({ url: expect.any(String) });
    expect((await (await room.fetch("/auth", { headers: spoofed })).json<{ sub?: string }>()).sub).toBeUndefined();
    const { sub, url } = await (await room.fetch(`/auth?token=${jwt}&keep=1`)).json<{ sub: string; url: string }>();
    expect(sub).toBe("ada");
    expect(new URL(url).search).toBe("?keep=1");
  });
});
