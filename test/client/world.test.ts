import { exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { connectWorld } from "../../src/client/index.ts";
import type { RoomClient, WorldOptions } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { connected, sync } from "../../src/state/fields.ts";
import { shared } from "../../src/testing/registry.ts";
import { BrowserSocket } from "../support/browser-socket.ts";
import { TestRoom, operatorToken, token } from "../support/harness.ts";

class Player {
  x = sync(signal(0));
  online = connected();
}
const worldRoom = defineRoom({
  path: "game-{id}",
  throttleSync: 0,
  throttleStorage: 0,
  state: () => ({ players: users(Player), count: sync(signal(0)) }),
  actions: {
    move: { input: z.object({ x: z.number() }), run: ({ user }, { x }) => user.x.set(x) },
    who: { run: ({ auth, conn }) => ({ sub: auth?.["sub"] ?? null, id: conn.sessionId }) },
  },
});
type Client = RoomClient<typeof worldRoom>;

const becomes = (game: Client, status: Client["status"]) =>
  new Promise<void>((resolve) => {
    if (game.status === status) resolve();
    game.on("status", (now) => now === status && resolve());
  });

describe("connectWorld, with a real World", () => {
  const sockets: BrowserSocket[] = [];
  const urls: string[] = [];
  const socket = {
    WebSocket: class extends BrowserSocket {
      constructor(url: string) {
        super(url);
        urls.push(url);
        sockets.push(this);
      }
    },
    protocol: "ws",
    minReconnectionDelay: 1,
  } as const;
  const connect = (room: string, options: Partial<WorldOptions> = {}) =>
    connectWorld<typeof worldRoom>({ host: "rooms.test", room, socket, ...options });

  beforeEach(() => {
    shared().rooms.set("main", worldRoom);
    vi.stubGlobal("fetch", exports.default.fetch.bind(exports.default));
    urls.length = 0;
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("works like a connection to the room", async () => {
    const room = new TestRoom(worldRoom, "game-client-1", "main");
    const direct = await room.connect({ via: "room" });
    const game = connect(room.id, { id: "ada", token: () => token({ sub: "ada" }) });
    await becomes(game, "open");
    expect(new URL(urls[0] as string).pathname).toMatch(/^\/parties\/shard\/gameclient1-/);
    expect(await game.call("who")).toEqual({ sub: "ada", id: "ada" });
    await game.call("move", { x: 7 });
    await direct.sees(
      (seen: { players: Record<string, { x: unknown }> }) => seen.players[game.publicId as string]?.x === 7,
    );
    game.close();
  });

  it("reconnects as the same user to another shard if its own is gone", async () => {
    const game = connect("game-client-2", { id: "bob" });
    await becomes(game, "open");
    const { publicId } = game;
    const shard = new URL(urls[0] as string).pathname.split("/").at(-1) as string;
    const lost = becomes(game, "reconnecting");
    const operator = { authorization: `Bearer ${await operatorToken({ worlds: ["*"] })}` };
    const report = (status: string, connections: number) =>
      exports.default.fetch("http://rooms.test/parties/world/world-default/update-shard", {
        method: "POST",
        headers: operator,
        body: JSON.stringify({ shardId: shard, connections, status }),
      });
    expect((await report("draining", 1)).status).toBe(200);
    // The draining shard refuses new clients: it answers the next attempt with 4503.
    sockets.at(-1)?.close(4000);
    await lost;
    await becomes(game, "open");
    const places = urls.map((url) => new URL(url).pathname.split("/").at(-1));
    expect(places.at(-1)).not.toBe(shard);
    expect(game.publicId).toBe(publicId);
    expect(await game.call("who")).toMatchObject({ id: "bob" });
    game.close();
  });

  it("reconnects to its shard without asking the World if only the connection was lost", async () => {
    const game = connect("game-client-3");
    await becomes(game, "open");
    const asked = vi.fn(fetch);
    vi.stubGlobal("fetch", asked);
    const lost = becomes(game, "reconnecting");
    sockets.at(-1)?.close(4000);
    await lost;
    await becomes(game, "open");
    expect(asked).not.toHaveBeenCalled();
    expect(new Set(urls.map((url) => new URL(url).pathname)).size).toBe(1);
    game.close();
  });

  it("reports why it cannot connect", async () => {
    const told: unknown[] = [];
    const game = connect("nothing-1");
    const refused = new Promise<void>((resolve) =>
      game.on("error", (error) => {
        told.push(error);
        resolve();
      }),
    );
    await refused;
    expect(told).toMatchObject([
      { name: "ConnectError", code: "world_refused", status: 404, message: "There is no such room" },
    ]);
    game.close();
  });

  it("P1.10, P2.9: joins with params, and as a spectator, through a World", async () => {
    const named = defineRoom({
      path: "named-{id}",
      throttleSync: 0,
      spectators: true,
      join: { input: z.object({ name: z.string() }) },
      state: () => ({ players: users(Player), names: sync(signal<string[]>([])) }),
      onJoin: ({ state, join }) => state.names.update((names) => [...names, join.name]),
    });
    shared().rooms.set("main", named);
    const where = { host: "rooms.test", room: "named-client-1", socket };
    const ada = connectWorld<typeof named>({ ...where, params: { name: "Ada" } });
    const watcher = connectWorld<typeof named>({ ...where, spectator: true });
    await vi.waitFor(() => expect([ada.status, watcher.status]).toEqual(["open", "open"]));
    await vi.waitFor(() => expect(watcher.state.names).toEqual(["Ada"]));
    expect(Object.keys(watcher.state.players)).toEqual([ada.publicId]);
    const wrong = connectWorld<typeof named>({ ...where, params: { name: 1 as never } });
    const closed = await new Promise((resolve) => wrong.on("closed", resolve));
    expect(closed).toMatchObject({ code: 4400, reason: expect.stringContaining("params.name: ") as string });
    for (const client of [ada, watcher, wrong]) client.close();
  });
});
