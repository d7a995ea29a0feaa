import { signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { connectRoom } from "../../src/client/index.ts";
import type { ClientState, ConnectOptions, RoomClient } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { RoomError } from "../../src/protocol/errors.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, sync } from "../../src/state/fields.ts";
import { BrowserSocket } from "../support/browser-socket.ts";
import { testRoom, token } from "../support/harness.ts";
import type { TestRoom } from "../support/harness.ts";

class Player {
  x = sync(signal(0));
  online = connected();
  secret = "server only";
}
const gameRoom = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  throttleStorage: 0,
  state: () => ({
    count: sync(signal(0)),
    config: sync(signal<{ map: { width: number }; names: string[] }>({ map: { width: 1 }, names: [] })),
    winner: sync(signal<{ name: string } | null>(null)),
    cache: signal("memory"),
    players: users(Player),
    monsters: collection(() => ({ hp: sync(signal(10)) })),
  }),
  guards: [({ auth }) => auth?.["banned"] !== true],
  actions: {
    move: { input: z.object({ x: z.number() }), run: ({ user }, { x }) => user.x.set(x) },
    add: { input: z.number(), run: ({ state }, by) => (state.count.update((count) => count + by), state.count()) },
    widen: { run: ({ state }) => state.config.mutate((config) => void config.map.width++) },
    win: { input: z.string().nullable(), run: ({ state }, name) => state.winner.set(name === null ? null : { name }) },
    refuse: {
      run() {
        throw new RoomError("forbidden", "Not now");
      },
    },
    hang: { run: () => new Promise(() => {}) },
    shout: { input: z.string(), run: ({ room }, value) => room.broadcast({ type: "shout", value }) },
    who: { run: ({ auth, conn }) => ({ sub: auth?.["sub"] ?? null, id: conn.sessionId }) },
    kick: { run: ({ conn }) => conn.close(4403, "kicked") },
  },
});

type Game = RoomClient<typeof gameRoom>;
const socket = { WebSocket: BrowserSocket, protocol: "ws", minReconnectionDelay: 1, maxReconnectionDelay: 5 } as const;

function connect(room: TestRoom, options: Partial<ConnectOptions> = {}): Game {
  return connectRoom<typeof gameRoom>({ host: "rooms.test", party: room.party, room: room.id, socket, ...options });
}

/** Waits until the state fulfils a condition. */
function sees(game: Game, condition: (state: ClientState<typeof gameRoom>) => boolean): Promise<void> {
  if (condition(game.state)) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = game.subscribe((state) => {
      if (!condition(state)) return;
      stop();
      resolve();
    });
  });
}

function becomes(game: Game, status: Game["status"]): Promise<void> {
  if (game.status === status) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = game.on("status", (now) => {
      if (now !== status) return;
      stop();
      resolve();
    });
  });
}

describe("connectRoom", () => {
  it("follows the state, calls actions, and receives packets", async () => {
    const room = testRoom(gameRoom, "room-a/b");
    const ada = connect(room, { id: "ada" });
    const bob = connect(room);
    await becomes(ada, "open");
    await becomes(bob, "open");
    ada.emit("move", { x: 7 });
    await sees(bob, (state) => state.players[ada.publicId as string]?.x === 7);
    expect(await ada.call("add", 2)).toBe(2);
    expect(ada.state.count).toBe(2);
    expect(await ada.call("who")).toEqual({ sub: null, id: "ada" });
    const heard: unknown[] = [];
    const stop = bob.on("shout", (value) => heard.push(value));
    await bob.call("shout", "one");
    stop();
    await bob.call("shout", "two");
    expect(heard).toEqual(["one"]);
    expect(ada.latency).toBeGreaterThanOrEqual(0);
    for (const game of [ada, bob]) game.close();
  });

  it("rejects with the server's code and issues, after a timeout, and when it is closed", async () => {
    const room = testRoom(gameRoom);
    const game = connect(room, { callTimeout: 30 });
    await becomes(game, "open");
    await expect(game.call("add", "x" as never)).rejects.toMatchObject({
      code: "invalid_input",
      issues: [{ path: [] }],
    });
    await expect(game.call("refuse")).rejects.toMatchObject({
      name: "CallError",
      code: "forbidden",
      message: "Not now",
    });
    const errors: unknown[] = [];
    game.on("error", (error) => errors.push(error.code));
    game.emit("refuse");
    await game.call("add", 1);
    expect(errors).toEqual(["forbidden"]);
    await expect(game.call("hang")).rejects.toMatchObject({ code: "timeout" });
    game.close();
    expect(game.status).toBe("closed");
    await expect(game.call("add", 1)).rejects.toMatchObject({ code: "closed" });
  });

  it("shares unchanged parts, and calls a selector's listener only for changes", async () => {
    const room = testRoom(gameRoom);
    const game = connect(room);
    await becomes(game, "open");
    const { config, players } = game.state;
    const widths: number[] = [];
    game.select(
      (state) => state.config.map.width,
      (width) => widths.push(width),
    );
    await game.call("add", 1);
    expect(game.state.config).toBe(config);
    expect(game.state.players).toBe(players);
    await game.call("widen");
    expect(game.state.config).not.toBe(config);
    expect(game.state.config.names).toBe(config.names);
    expect(widths).toEqual([2]);
    await game.call("win", "ada");
    expect(game.state.winner).toEqual({ name: "ada" });
    await game.call("win", null);
    expect(game.state.winner).toBeNull();
    game.close();
  });

  it("reconnects with a new token, replaces its state, and sends waiting messages", async () => {
    const room = testRoom(gameRoom);
    let asked = 0;
    const game = connect(room, { id: "ada", token: async () => (asked++, token({ sub: "ada" })) });
    await becomes(game, "open");
    expect(await game.call("who")).toMatchObject({ sub: "ada" });
    await game.call("add", 5);
    await room.change((state) => void (state.monsters()["old"] = { hp: sync(signal(1)) }));
    await sees(game, (state) => "old" in state.monsters);
    const { config } = game.state;

    // The state changes on the server while the client is disconnected.
    await room.crash();
    await becomes(game, "reconnecting");
    await room.change((state) => void delete state.monsters()["old"]);
    const waited = game.call("add", 1);
    expect(await waited).toBe(6);
    await sees(game, (state) => !("old" in state.monsters) && state.count === 6);
    expect(game.state.config).toBe(config);
    expect(asked).toBeGreaterThan(1);
    game.close();
  });

  it("shows the expected state, and then that of the room", async () => {
    const room = testRoom(gameRoom);
    const game = connect(room);
    await becomes(game, "open");
    const counts: number[] = [];
    game.select(
      (state) => state.count,
      (count) => counts.push(count),
    );
    expect(await game.optimistic("add", 3, (state) => ({ ...state, count: 3 }))).toBe(3);
    await expect(game.optimistic("refuse", undefined, (state) => ({ ...state, count: 99 }))).rejects.toMatchObject({
      code: "forbidden",
    });
    expect(await game.optimistic("add", 1, (state) => ({ ...state, count: 5 }))).toBe(4);
    await sees(game, (state) => state.count === 4);
    expect(counts).toEqual([3, 99, 3, 5, 4]);
    game.close();
  });

  it("P3.7: sends the messages of one task in one frame, and each call gets its own answer", async () => {
    const frames: string[] = [];
    class CountingSocket extends BrowserSocket {
      override send(text: string): void {
        if (text !== "ping") frames.push(text);
        super.send(text);
      }
    }
    const game = connect(testRoom(gameRoom), { socket: { ...socket, WebSocket: CountingSocket } });
    await becomes(game, "open");
    for (let index = 0; index < 20; index++) game.emit("add", 1);
    const refused = game.call("refuse").catch(({ code }: { code: string }) => code);
    expect(await game.optimistic("add", 1, (state) => ({ ...state, count: 21 }))).toBe(21);
    expect(await refused).toBe("forbidden");
    expect(frames).toHaveLength(1);
    await sees(game, (state) => state.count === 21);
    game.close();
  });

  it("does not reconnect after 44xx, and reports why", async () => {
    const room = testRoom(gameRoom);
    const banned = connect(room, { token: await token({ banned: true }) });
    const ended = new Promise((resolve) => banned.on("closed", resolve));
    expect(await ended).toEqual({ code: 4403, reason: "You may not enter this room" });
    expect(banned.status).toBe("closed");
    await expect(banned.call("add", 1)).rejects.toMatchObject({ code: "closed" });

    const kicked = connect(room);
    await becomes(kicked, "open");
    const gone = new Promise((resolve) => kicked.on("closed", resolve));
    kicked.emit("kick");
    expect(await gone).toEqual({ code: 4403, reason: "kicked" });
  });

  it("P1.10: sends params with each attempt, and reports why the room refuses them", async () => {
    const named = defineRoom({
      path: "room-{id}",
      throttleSync: 0,
      join: { input: z.object({ name: z.string() }) },
      state: () => ({ names: sync(signal<string[]>([])) }),
      actions: { drop: { run: ({ conn }) => conn.close(4000) } },
      onJoin: ({ state, join }) => state.names.update((names) => [...names, join.name]),
    });
    const room = testRoom(named);
    const target = { host: "rooms.test", party: room.party, room: room.id, socket };
    let count = 0;
    const client = connectRoom<typeof named>({ ...target, params: async () => ({ name: `Ada ${++count}` }) });
    client.on("status", (status) => status === "open" && client.state.names.length === 1 && client.emit("drop"));
    await vi.waitFor(() => expect(client.state.names).toEqual(["Ada 1", "Ada 2"]));
    client.close();
    const failing = connectRoom<typeof named>({
      ...target,
      params: () => {
        throw new Error("nobody is signed in");
      },
    });
    const error = await new Promise((resolve) => failing.on("error", resolve));
    expect(error).toMatchObject({ code: "params_failed", message: "params() failed: nobody is signed in" });
    failing.close();
    const circular: { name: string; self?: unknown } = { name: "Ada" };
    circular.self = circular;
    const unsendable = connectRoom<typeof named>({ ...target, params: circular });
    const told = await new Promise((resolve) => unsendable.on("error", resolve));
    expect(told).toMatchObject({ code: "params_failed", message: expect.stringContaining("circular") as string });
    unsendable.close();
    const wrong = connectRoom<typeof named>({ ...target, params: { name: 1 as never } });
    const closed = await new Promise((resolve) => wrong.on("closed", resolve));
    expect(closed).toMatchObject({ code: 4400, reason: expect.stringContaining("params.name: ") as string });
    expect(wrong.status).toBe("closed");
  });

  it("P2.9: as a spectator it sees the room without a user", async () => {
    const watched = defineRoom({ path: "room-{id}", spectators: true, state: () => ({ players: users(Player) }) });
    const room = testRoom(watched);
    const target = { host: "rooms.test", party: room.party, room: room.id, socket };
    const client = connectRoom<typeof watched>({ ...target, spectator: true });
    await vi.waitFor(() => expect(client.status).toBe("open"));
    expect(client.state).toEqual({ players: {} });
    await expect((client as RoomClient<typeof gameRoom>).call("add", 1)).rejects.toMatchObject({ code: "forbidden" });
    client.close();
  });
});
