import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { AnyRoom } from "../../src/index.ts";
import { serve, shared } from "../../src/testing/registry.ts";
import { forwardRequest } from "../../src/auth/internal.ts";
import { BrowserSocket } from "../support/browser-socket.ts";
import { TestClient, TestRoom, testRoom, token } from "../support/harness.ts";
import { App } from "./extracted/app.tsx";
import counting, { counter, RoomObject as CounterObject } from "./extracted/counter/worker.ts";
import { gameRoom } from "./extracted/game-room.ts";
import { go } from "./extracted/optimistic.ts";
import { Scores } from "./extracted/scores.tsx";
import { serviceOf } from "./service.ts";
import service, { RoomObject } from "./extracted/worker.ts";
import world, { RoomObject as WorldsRoomObject, ShardObject, WorldObject } from "./extracted/world.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it("README: the counter is a complete Worker", async () => {
  expect(await (await counting.request("/health")).json()).toEqual({ status: "ok" });
  expect((await counting.request("/parties/main/other-1")).status).toBe(404);
  expect(Object.getPrototypeOf(CounterObject)).toBeInstanceOf(Function);
});

it("README: the counter's page shows every click of all users", async () => {
  let click = () => {};
  const body = { textContent: "", addEventListener: (_: string, listener: () => void) => (click = listener) };
  openPage(counter);
  vi.stubGlobal("document", { body });
  await import("./extracted/counter/page/main.ts");
  await expect.poll(() => body.textContent).toBe("0 clicks");
  click();
  await expect.poll(() => body.textContent).toBe("1 clicks");
});

describe("the first game: the room", () => {
  it("everything of the example works", async () => {
    const room = testRoom(gameRoom, "game-1");
    const boss = await room.connect({ token: await token({ role: "admin" }) });
    const ada = await room.connect();
    await ada.sees((state: { status: string }) => state.status === "playing");
    expect((await ada.call("spawn")).value["code"]).toBe("forbidden");
    const key = (await boss.call("spawn")).value["result"] as string;
    for (let hits = 1; hits < 10; hits++) expect((await ada.call("hit", key)).value["result"]).toBe("hit");
    expect((await ada.call("hit", key)).value["result"]).toBe("slain");
    expect((await ada.call("hit", key)).value).toMatchObject({
      code: "invalid_input",
      message: "There is no such monster",
    });
    await ada.call("move", { x: 1, y: 2 });
    expect((await ada.call("move", { x: -1, y: 2 })).value).toMatchObject({ issues: [{ path: ["x"] }] });
    type Seen = { best: number; turn: number; players: Record<string, { x: number; score: number }> };
    await boss.sees((state: Seen) => state.players[ada.publicId]?.x === 1 && state.turn > 0);
    const body = { method: "POST", body: '{"score":7}' };
    expect((await room.fetch("/scores", body)).status).toBe(403);
    expect((await room.fetch(`/scores?token=${await token({ role: "admin" })}`, body)).status).toBe(200);
    await ada.sees((state: Seen) => state.best === 7);
    expect(await (await room.fetch("/status")).json()).toEqual({ status: "playing" });
    const player = { x: 1, y: 2, score: 1, online: true };
    expect(await (await room.fetch(`/players/${ada.publicId}`)).json()).toEqual(player);
    expect(await (await room.fetch("/players/none")).json()).toEqual({ error: "Player not found" });
    expect(boss.state).toMatchObject({ players: { [ada.publicId]: player } });
    expect(JSON.stringify(boss.state)).not.toMatch(/seed|cache/);
    expect(JSON.stringify(boss.state).match(/hand/g)).toHaveLength(1);
  });
});

describe("the first game: the Worker", () => {
  it("the Worker routes to the room, over HTTP and over a socket", async () => {
    const ask = serviceOf(service, [gameRoom]);
    expect(await (await ask("/health")).json()).toEqual({ status: "ok" });
    expect(await (await ask("/parties/main/game-1/status")).json()).toEqual({ status: "waiting" });
    expect((await ask("/parties/main/game-1/status?token=forged")).status).toBe(401);
    const { webSocket } = await ask("/parties/main/game-1", { headers: { upgrade: "websocket" } });
    const client = new TestClient(webSocket as WebSocket);
    await client.until((packet) => packet.type === "sync");
    expect(client.state).toMatchObject({ status: "waiting" });
  });

  it("its class is the Durable Object", async () => {
    // The test Worker does not serve this room, so the object logs an error and stores nothing.
    vi.spyOn(console, "error").mockImplementation(() => {});
    const stub = env.ROOMS.get(env.ROOMS.idFromName("main/game-class"));
    const answer = await runInDurableObject(stub, async (_, ctx) => {
      const object = new RoomObject(ctx, env);
      const url = "http://rooms.test/parties/main/game-class/status";
      return (await object.fetch(forwardRequest(new Request(url), null))).json();
    });
    expect(answer).toEqual({ status: "waiting" });
  });
});

/** Imitates a browser for the page. Its sockets connect to a room of the test Worker. */
function openPage(room: AnyRoom = gameRoom): Map<string, string> {
  const party = serve(room);
  const kept = new Map<string, string>();
  vi.stubGlobal("location", { host: "rooms.test" });
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  });
  vi.stubGlobal(
    "WebSocket",
    class extends BrowserSocket {
      constructor(url: string) {
        super(url.replace("/parties/main/", `/parties/${party}/`));
      }
    },
  );
  return kept;
}

/** Sends more than the rate limit allows, also on a slow machine, which needs seconds for it: the time stands still. */
function flood(send: () => void): void {
  vi.spyOn(Date, "now").mockReturnValue(Date.now());
  for (let index = 0; index < 5000; index++) send();
}

describe("docs/client.md and docs/react.md", () => {
  it("the page works", async () => {
    const kept = openPage();
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { game, emit, conn } = await import("./extracted/client.ts");
    const me = () => Object.values(game.players())[0];
    await vi.waitFor(() => expect(me()).toMatchObject({ x: 1, y: 2, online: true, hand: [] }), 5000);
    expect(log).toHaveBeenCalled();
    emit("move", { x: -1, y: 2 });
    await vi.waitFor(() => expect(warn).toHaveBeenCalledWith("invalid_input", expect.any(String)), 5000);
    expect(kept.get("session")).toHaveLength(32);
    // A client that exceeds the rate limit is closed with 4429, and does not reconnect.
    const closed = new Promise<{ code: number }>((resolve) => conn.addEventListener("close", resolve));
    flood(() => emit("move", { x: 1, y: 1 }));
    expect((await closed).code).toBe(4429);
    expect((conn as { shouldReconnect: boolean }).shouldReconnect).toBe(false);
  });

  it("a typed client works", async () => {
    openPage().set("session", "ada");
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { game, outcome, stop } = await import("./extracted/typed-client.ts");
    expect(outcome).toBe("invalid_input: There is no such monster");
    await vi.waitFor(() => expect(Object.values(game.state.players)[0]).toMatchObject({ x: 1, y: 2 }), 5000);
    const moving = go(game);
    expect(Object.values(game.state.players)[0]).toMatchObject({ x: 3, y: 4 });
    await moving;
    expect(renderToString(createElement(Scores, { game }))).toBe("<ol></ol>");
    expect(renderToString(createElement(App, { room: "game-1" }))).toBe('<button disabled="">Move</button><ol></ol>');
    await vi.waitFor(() => expect(log).toHaveBeenCalled(), 5000);
    stop();
    flood(() => game.emit("move", { x: 1, y: 1 }));
    await vi.waitFor(() => expect(warn).toHaveBeenCalledWith(4429, "Too many messages"), 5000);
    expect(game.status).toBe("closed");
  });
});

describe("docs/sharding.md", () => {
  it("the Worker serves them, and connectionWorld connects through one", async () => {
    const names = [WorldsRoomObject, WorldObject, ShardObject].map(({ name }) => name);
    expect([typeof world.fetch, ...names]).toEqual(["function", "RoomObject", "WorldObject", "ShardObject"]);
    shared().rooms.set("main", gameRoom);
    vi.stubGlobal("location", { origin: "http://rooms.test" });
    vi.stubGlobal("fetch", exports.default.fetch.bind(exports.default));
    vi.stubGlobal("WebSocket", BrowserSocket);
    const room = new TestRoom(gameRoom, "game-1", "main");
    const direct = await room.connect();
    await import("./extracted/world-client.ts");
    type Seen = { players: Record<string, { x: number }> };
    await direct.sees(({ players }: Seen) => Object.values(players).some(({ x }) => x === 1));
  });
});
