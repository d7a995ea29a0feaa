import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createRooms, defineRoom, jwt, requireAuth, sync } from "../../src/index.ts";
import { worlds } from "../../src/worlds.ts";
import { shared } from "../../src/testing/registry.ts";
import { duels } from "../docs/extracted/own-world.ts";
import { operatorToken, token } from "../support/harness.ts";

const game = defineRoom({
  path: "game-{id}",
  state: () => ({ count: sync(signal(0)) }),
  onStart: ({ room }) => room.setListing({ mode: "duel" }, { worldId: "own-1" }),
});

const service = createRooms({
  rooms: [game],
  auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  log: () => {},
  world: worlds({
    requests: {
      "GET /open/:mode": {
        run: ({ state, params }) => state.listings.filter(({ metadata }) => metadata["mode"] === params.mode),
      },
      "GET /counts": { run: ({ state, auth }) => ({ rooms: state.rooms.length, shards: state.shards.length, auth }) },
      "POST /news": {
        body: z.object({ text: z.string() }),
        guards: [requireAuth, ({ state }) => state.rooms.length < 10],
        run({ room, body, auth }) {
          room.storage.put("news", `${body.text} by ${String(auth?.["sub"])}`);
        },
      },
      "GET /news": { run: ({ room }) => room.storage.get<string>("news") ?? "none" },
      "GET /who": { run: ({ caller, request }) => ({ caller: caller ?? null, names: [...request.headers.keys()] }) },
      // The World's own routes take precedence over this one.
      "GET /:anything": { run: () => "anything" },
    },
  }),
});

type Named = { idFromName(name: string): DurableObjectId; get(id: DurableObjectId): DurableObjectStub };
const WORLDS = (env as unknown as { WORLDS: Named }).WORLDS;
const stub = (name: string) => WORLDS.get(WORLDS.idFromName(name));

/** The bindings of the service. Its Worlds run in objects of the tests' Worker, with the class of the service. */
const bindings = ({ WorldObject }: Pick<typeof service, "WorldObject">) => ({
  ...env,
  WORLDS: {
    idFromName: (name: string) => name,
    get: (name: string) => ({
      fetch: async (request: Request) => {
        const { method, url } = request;
        const init = { method, headers: [...request.headers], ...(request.body && { body: await request.text() }) };
        const { status, text } = await runInDurableObject(stub(name), async (_instance, ctx) => {
          const answer = await new WorldObject(ctx, env).fetch(new Request(url, init));
          return { status: answer.status, text: await answer.text() };
        });
        return new Response(status === 204 ? null : text, { status });
      },
    }),
  },
});

async function ask(
  path: string,
  init: Omit<RequestInit, "headers"> & { headers?: Record<string, string>; jwt?: string } = {},
  { app, ...classes } = service,
) {
  const headers = { ...init.headers, ...(init.jwt && { authorization: `Bearer ${init.jwt}` }) };
  const response = await app.request(`/parties/world/own-1${path}`, { ...init, headers }, bindings(classes));
  const text = await response.text();
  return {
    status: response.status,
    body: text.startsWith("{") || text.startsWith("[") ? (JSON.parse(text) as unknown) : text,
  };
}
const post = (body: unknown) => ({
  method: "POST",
  body: JSON.stringify(body),
  headers: { "content-type": "application/json" },
});

describe("your own routes of a World", () => {
  it("read what the World knows", async () => {
    shared().rooms.set("main", game);
    expect(await ask("/counts")).toEqual({ status: 200, body: { rooms: 0, shards: 0, auth: null } });
    const found = await ask("/find-room", post({ room: "game-{id}", create: true, filter: { mode: "duel" } }));
    const { roomId } = found.body as { roomId: string };
    expect(await ask("/open/duel")).toEqual({
      status: 200,
      body: [{ party: "main", roomId, metadata: { mode: "duel" }, locked: false, users: 0, maxUsers: null }],
    });
    expect((await ask("/open/blitz")).body).toEqual([]);
  });

  it("have a storage, schemas and guards, and users' tokens", async () => {
    expect((await ask("/news", post({ text: "hi" }))).status).toBe(403);
    const ada = await token({ sub: "ada" });
    expect((await ask("/news", { ...post({ text: 1 }), jwt: ada })).status).toBe(400);
    expect((await ask("/news", { ...post({ text: "hi" }), jwt: ada })).status).toBe(204);
    expect((await ask("/news")).body).toBe("hi by ada");
    await evictDurableObject(stub("world/own-1"));
    expect((await ask("/news")).body).toBe("hi by ada");
    expect((await ask("/news", { method: "DELETE" })).status).toBe(405);
    expect((await ask("/news", { jwt: "forged" })).status).toBe(401);
    expect((await ask("/news", { jwt: await operatorToken({ worlds: "*" }) })).status).toBe(401);
  });

  it("do not change the World's own routes", async () => {
    expect((await ask("/other")).body).toBe("anything");
    const operator = await operatorToken({ worlds: "own-1" });
    for (const path of ["/registry", "/metrics"]) {
      expect((await ask(path)).status).toBe(401);
      expect((await ask(path, { jwt: await token({ sub: "ada" }) })).status).toBe(401);
      expect((await ask(path, { jwt: operator })).status).toBe(200);
    }
    expect((await ask("/$metrics")).status).toBe(401);
    expect((await ask("/connect", post({ roomId: "nowhere" }))).status).toBe(404);
  });

  it("accept no caller as a room that is not one", async () => {
    const caller = encodeURIComponent(JSON.stringify({ party: "main", id: "game-1" }));
    const { body } = await ask("/who", { headers: { "x-durable-rooms-caller": caller, "x-mine": "1" } });
    expect(body).toMatchObject({ caller: null });
    expect((body as { names: string[] }).names).not.toContain("x-durable-rooms-caller");
  });

  it("are those of the guide", async () => {
    expect((await ask("/modes", {}, duels)).body).toEqual({ duel: [expect.objectContaining({ party: "main" })] });
    expect((await ask("/news", {}, duels)).body).toBe("hi by ada");
  });

  it("cannot replace a World's route, and are refused if malformed", () => {
    const run = () => "mine";
    expect(() => worlds({ requests: { "POST /connect": { run } } })).toThrow(
      '"POST /connect", which is a path of the World',
    );
    expect(() => worlds({ requests: { "GET /registry": { run } } })).toThrow("which is a path of the World itself");
    expect(() => worlds({ requests: { "GET /$top": { run } } })).toThrow("which is reserved");
    expect(() => worlds({ requests: { "GET /top": {} as never } })).toThrow("needs a run function");
    expect(() => worlds({ requests: 1 as never })).toThrow("world.requests has to be an object");
  });
});
