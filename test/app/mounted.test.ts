import { env } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { Hono } from "hono";
import { describe, expect, it, vi } from "vitest";
import { createWorldTargets } from "../../src/app/world-targets.ts";
import { createApp } from "../../src/app/app.ts";
import { createOperators } from "../../src/auth/operators.ts";
import { createVerifier } from "../../src/auth/verify.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { inspector } from "../../src/inspector/index.ts";
import { createLog } from "../../src/platform/log.ts";
import type { LogEntry } from "../../src/platform/ports.ts";
import { findRoom } from "../../src/testing/registry.ts";
import { sync } from "../../src/state/fields.ts";
import { TestClient, testRoom, token } from "../support/harness.ts";

const room = defineRoom({
  path: "room-{id}",
  state: () => ({ count: sync(signal(0)) }),
  requests: {
    "GET /me/:name": {
      run: ({ request, params, auth, room: { id } }) => ({ id, params, auth, path: new URL(request.url).pathname }),
    },
    "POST /echo": { run: ({ request }) => request.text() },
  },
});

const verify = createVerifier({ secret: "AUTH_JWT_SECRET" });

function makeService(log: (entry: LogEntry) => void = () => {}) {
  const world = { ids: undefined };
  const app = createApp({
    find: findRoom,
    verify,
    operators: { ...createOperators(), verify },
    cors: { origin: "*" },
    findWorldTarget: createWorldTargets(undefined),
    inspector,
    log: createLog(log),
  });
  inspector.serve(app, { config: { rooms: [room] }, world, operator: verify });
  return app;
}

/** Ways to mount the app in another app, with the base path that each of them results in. */
const PLACES: Record<string, [base: string, app: () => Hono]> = {
  route: ["/game", () => new Hono().route("/game", makeService() as never)],
  mount: ["/game", () => new Hono().mount("/game", makeService().fetch as never)],
  basePath: ["/api/v1", () => new Hono().basePath("/api").route("/v1", makeService() as never)],
  "route in route": ["/a/b", () => new Hono().route("/a", new Hono().route("/b", makeService() as never))],
  "route with a parameter": ["/t/a%2Fb%20%C3%BC", () => new Hono().route("/t/:tenant", makeService() as never)],
  "route with its own onError": [
    "/game",
    () => {
      const service = makeService();
      service.onError((_, c) => c.text("mine", 500));
      return new Hono().route("/game", service as never);
    },
  ],
  "a path of the host": [
    "",
    () =>
      new Hono({ getPath: ({ url }) => url.replace(/^https?:\/([^?]*).*$/, "$1") }).route(
        "/localhost",
        makeService() as never,
      ),
  ],
};

describe.each(Object.entries(PLACES))("P1.9: a service mounted in another app, by %s", (_, [base, make]) => {
  const app = make();
  const request = (path: string, init?: RequestInit) => app.request(base + path, init, env);
  const bearer = async (claims: Record<string, unknown>) => ({ authorization: `Bearer ${await token(claims)}` });

  it.each(["room", "shard"] as const)("routes requests and sockets to a %s", async (via) => {
    const place = await testRoom(room, "room-a/b ü").place(via);
    const path = `/parties/${place.party}/${encodeURIComponent(place.room)}`;
    const jwt = await token({ sub: "ada" });
    const answer = await request(`${path}/me/%C3%BC%2F?token=${jwt}`);
    expect(await answer.json()).toMatchObject({
      id: "room-a/b ü",
      params: { name: "ü/" },
      auth: { sub: "ada" },
      path: `${path}/me/%C3%BC%2F`,
    });
    expect(await (await request(`${path}/echo`, { method: "POST", body: "text" })).text()).toBe("text");
    const { webSocket } = await request(`${path}?token=${jwt}`, { headers: { upgrade: "websocket" } });
    const client = new TestClient(webSocket as WebSocket);
    await client.until(({ type }) => type === "sync");
    client.close();
    expect((await request("/parties/main/nothing")).status).toBe(404);
  });

  it("routes to Worlds, and answers operators", async () => {
    const { party, id } = testRoom(room);
    const world = await request("/parties/world/of-a-route/registry", { headers: await bearer({ worlds: "*" }) });
    expect(await world.json()).toEqual({ rooms: [], shards: [] });
    const headers = await bearer({ rooms: "*", inspect: "*" });
    expect(await (await request(`/parties/${party}/${id}/$metrics`, { headers })).json()).toMatchObject({ room: id });
    const inspection = await request(`/parties/${party}/${id}/$inspect`, { headers });
    expect(await inspection.json()).toMatchObject({ path: "room-{id}" });
    expect((await request("/inspector/service", { headers })).status).toBe(200);
    expect((await request("/health")).status).toBe(200);
  });

  it("serves the inspector's page, which finds its files", async () => {
    const page = await (await request("/inspector")).text();
    const files = Array.from(page.matchAll(/(?:src|href)="((?!data:)[^"]*)"/g), ([, link = ""]) => link);
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) {
      const { pathname } = new URL(file, `http://localhost${base}/inspector`);
      expect((await app.request(pathname, {}, env)).status, file).toBe(200);
    }
  });
});

describe("P1.9: a failing room of a mounted service", () => {
  it("is named in the log", async () => {
    const log = vi.fn<(entry: LogEntry) => void>();
    const { party, id } = testRoom(room);
    const app = new Hono().route("/game", makeService(log) as never);
    expect((await app.request(`/game/parties/${party}/${id}/me/a`, {}, {})).status).toBe(500);
    expect(log.mock.calls).toMatchObject([[{ event: "request_failed", party, room: id }]]);
  });
});
