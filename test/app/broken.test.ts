import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRooms, defineRoom, jwt, signal, sync } from "../../src/index.ts";
import { createLog } from "../../src/platform/log.ts";
import { worlds } from "../../src/worlds.ts";

const error = vi.spyOn(console, "error");
beforeEach(() => {
  vi.stubEnv("NODE_ENV", "development");
  error.mockReset().mockImplementation(() => {});
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const state = () => ({ count: sync(signal(0)) });
const good = () => defineRoom({ path: "game-{id}", state });
const ask = async (app: ReturnType<typeof createRooms>["app"], init?: RequestInit) =>
  app.fetch(new Request("http://rooms.test/health", init), env, createExecutionContext());

describe("a service that is wrong, in development", () => {
  it.each([
    [
      "a definition",
      () => createRooms({ rooms: [defineRoom({ path: "/game-{id}", state })] }),
      "has to begin without /",
    ],
    ["the configuration", () => createRooms({ rooms: [] }), "there is no room"],
    ["tokens", () => createRooms({ rooms: [good()], auth: jwt({ secret: "" }) }), "secret of jwt() has to be the name"],
    ["Worlds", () => createRooms({ rooms: [good()], world: worlds({ shardCapacity: -1 }) }), "shardCapacity"],
  ])("throws at no import, and says with each request what is wrong with %s", async (_, create, message) => {
    const service = create();
    expect(error.mock.calls[0]?.[0]).toContain(message);
    expect(service.RoomObject).toBeTypeOf("function");
    await expect(ask(service.app)).rejects.toThrow(message);
    const { webSocket } = await ask(service.app, { headers: { upgrade: "websocket" } });
    const packets: unknown[] = [];
    webSocket?.addEventListener("message", ({ data }) => void packets.push(JSON.parse(data as string)));
    const closed = new Promise<number>((done) => webSocket?.addEventListener("close", ({ code }) => done(code)));
    webSocket?.accept();
    expect(await closed).toBe(1011);
    const value = { code: "internal", message: expect.stringContaining(message) as string };
    expect(packets).toMatchObject([{ type: "error", value }]);
  });

  it("may export a class that it does not have: then requests say so", async () => {
    const service = createRooms({ rooms: [good()] }) as ReturnType<typeof createRooms> & { WorldObject: unknown };
    expect((await ask(service.app)).status).toBe(200);
    expect(service.WorldObject).toBeTypeOf("function");
    await expect(ask(service.app)).rejects.toThrow("there is no WorldObject without Worlds");
  });

  it("throws in tests, as before", () => {
    vi.stubEnv("NODE_ENV", "test");
    expect(() => defineRoom({ path: "/game-{id}", state })).toThrow("has to begin without /");
  });
});

it("a log in development is text: development servers map a stack to its sources", () => {
  createLog()({
    level: "error",
    event: "action_failed",
    party: "main",
    room: "game-1",
    action: "hit",
    error: "Error: no\n    at run (file:///worker.js:1:2)",
  });
  expect(error.mock.calls).toEqual([
    ['durable-rooms: action_failed in main/game-1 {"action":"hit"}\nError: no\n    at run (file:///worker.js:1:2)'],
  ]);
});
