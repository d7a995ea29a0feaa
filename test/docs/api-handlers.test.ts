import { afterEach, describe, expect, it, vi } from "vitest";
import { gameRoom } from "./api-example.ts";
import { admin, definition, json, start, user } from "./api-support.ts";
import type { Seen } from "./api-support.ts";

afterEach(() => vi.restoreAllMocks());

describe("gameRoom: actions", () => {
  it("move: within the field", async () => {
    const client = await start().connect({ token: user });
    expect((await client.call("move", { x: 1, y: 2 })).type).toBe("ack");
    await client.sees((state: Seen) => state.players[client.publicId]?.y === 2);
    expect((await client.call("move", { x: 1001, y: 0 })).value).toMatchObject({
      code: "invalid_input",
      issues: [{ path: ["x"] }],
    });
    expect((await client.call("move")).value["code"]).toBe("invalid_input");
  });

  it("kick: by an admin; a kicked user may do nothing", async () => {
    const room = start();
    const [bob, boss] = [await room.connect({ token: user }), await room.connect({ token: admin })];
    expect((await bob.call("kick", boss.publicId)).value["code"]).toBe("forbidden");
    expect((await boss.call("kick", bob.publicId)).value["result"]).toBe("kicked");
    await boss.sees((state: Seen) => !(bob.publicId in state.players));
    expect((await bob.call("move", { x: 1, y: 1 })).value["code"]).toBe("forbidden");
  });

  it("transfer: the token opens the other room, once, as the same user", async () => {
    const onSessionRestore = vi.spyOn(definition, "onSessionRestore");
    const room = start();
    const client = await room.connect({ id: "ada", token: user });
    await client.call("move", { x: 5, y: 6 });
    const { value } = await client.call("transfer", { targetRoomId: "game-2" });
    const { transferToken } = value["result"] as { transferToken: string };
    const there = await room.sibling("game-2").connect({ token: user, query: `transferToken=${transferToken}` });
    expect(there.publicId).toBe(client.publicId);
    expect((there.state as Seen).players[there.publicId]).toMatchObject({ x: 5, y: 6 });
    expect(onSessionRestore.mock.calls[0]?.[0]).toMatchObject({
      userSnapshot: { x: 5, y: 6 },
      publicId: client.publicId,
      privateId: "ada",
      room: { id: "game-2" },
    });
    const again = await room.sibling("game-2").open({ token: user, query: `transferToken=${transferToken}` });
    expect(await again.closed).toMatchObject({ code: 4403 });
  });

  it("unhandledAction gets all other actions", async () => {
    const run = vi.spyOn(definition.unhandledAction, "run");
    const client = await start().connect({ token: user });
    expect((await client.call("dance", 3)).type).toBe("ack");
    expect(run.mock.calls[0]?.[1]).toEqual({ action: "dance", value: 3 });
    expect(run.mock.calls[0]?.[0].conn.publicId).toBe(client.publicId);
  });
});

describe("gameRoom: requests", () => {
  const as = (jwt: string, init: RequestInit = {}) => ({ ...init, headers: { authorization: `Bearer ${jwt}` } });
  const post = (jwt: string, body: unknown) => as(jwt, { method: "POST", body: JSON.stringify(body) });

  it("GET /status, GET /players/:id, POST /scores", async () => {
    const room = start();
    const client = await room.connect({ token: user });
    expect(await json(await room.fetch("/status", as(user)))).toEqual([200, { status: "waiting" }]);
    const found = await room.fetch(`/players/${client.publicId}`, as(user));
    // No response contains a field that only its owner may see.
    expect(await json(found)).toEqual([200, { x: 0, y: 0, score: 0, online: true }]);
    expect(await json(await room.fetch("/players/x", as(user)))).toEqual([404, { error: "Player not found" }]);
    const score = { playerId: "p", score: 7 };
    expect((await room.fetch("/scores", post(user, score))).status).toBe(403);
    expect(await json(await room.fetch("/scores", post(admin, { ...score, score: -1 })))).toMatchObject([
      400,
      { code: "invalid_input", issues: [{ path: ["score"] }] },
    ]);
    expect(await json(await room.fetch("/scores", post(admin, score)))).toEqual([200, { success: true }]);
    await client.sees((state: { leader: number }) => state.leader === 7);
    expect((await room.fetch("/scores", as(admin))).status).toBe(405);
  });
});

describe("gameRoom: tick and hooks", () => {
  it("tick: 20 times a second, only while someone is connected", async () => {
    const spy = vi.spyOn(definition.tick, "run");
    const room = start("game-tick");
    // Rooms of other tests tick too, and are ignored here.
    const ticks = () => spy.mock.calls.filter(([context]) => context.room.id === "game-tick");
    // Read the whole body: a response that is being sent keeps the object awake.
    await (await room.fetch(`/status?token=${user}`)).text();
    expect(ticks()).toEqual([]);
    const client = await room.connect({ token: user });
    const startedAt = Date.now();
    await vi.waitFor(() => expect(ticks().length).toBeGreaterThanOrEqual(10), 5000);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(400);
    for (const [, elapsedMs] of ticks()) expect(elapsedMs).toBeGreaterThan(0);
    client.close();
    // The room notices a moment later that the client has closed.
    await vi.waitFor(async () => expect(await room.inside((_, core) => core.handle.connections.length)).toBe(0));
    const { length } = ticks();
    // Eviction waits for running timers, so the tick has stopped. It does not start when the object wakes.
    await room.evict();
    await room.inside(() => {});
    expect(ticks()).toHaveLength(length);
  });

  it("onStart, onJoin and onLeave", async () => {
    const order: string[] = [];
    for (const name of ["onStart", "onJoin", "onLeave"] as const)
      vi.spyOn(definition, name).mockImplementation(() => void order.push(name));
    const room = start();
    const first = await room.connect({ id: "ada", token: user });
    const second = await room.connect({ id: "ada", token: user });
    first.close();
    await first.closed;
    second.close();
    await vi.waitFor(() => expect(order).toEqual(["onStart", "onJoin", "onJoin", "onLeave"]));
    const [context] = vi.mocked(definition.onJoin).mock.calls[0] ?? [];
    expect(context?.request.url).not.toContain(user);
    expect(context).toMatchObject({ user: { id: first.publicId }, conn: { publicId: first.publicId } });
  });

  it("onError gets the error, and the client no details", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const onError = vi.spyOn(definition, "onError");
    vi.spyOn(gameRoom.compiled.actions.get("move") as { run(): void }, "run").mockImplementation(() => {
      throw new Error("hunter2");
    });
    const client = await start().connect({ token: user });
    const { value } = await client.call("move", { x: 1, y: 1 });
    expect(value["code"]).toBe("internal");
    expect(JSON.stringify(value)).not.toContain("hunter2");
    expect(onError.mock.calls[0]?.[0]).toMatchObject({
      error: { message: "hunter2" },
      conn: { publicId: client.publicId },
    });
  });

  it("interceptorPacket: null is not sent to this connection", async () => {
    vi.spyOn(definition, "interceptorPacket").mockImplementation(({ conn }, packet) =>
      packet.type === "sync" && conn.auth?.["role"] === "admin" && !("pId" in (packet.value as object)) ? null : packet,
    );
    const room = start();
    const boss = await room.connect({ token: admin });
    const bob = await room.connect({ token: user });
    await room.change((state) => state.status.set("playing"));
    await bob.sees((state: { status: string }) => state.status === "playing");
    await boss.call("dance");
    expect(boss.state).toMatchObject({ status: "waiting" });
  });

  it("onStorageRestore and onUserStorageRestore get the stored values, and return what to load", async () => {
    const room = start();
    const client = await room.connect({ id: "ada", token: user });
    await client.call("move", { x: 5, y: 6 });
    await room.alarm();
    vi.spyOn(definition, "onStorageRestore").mockImplementation(({ snapshot }) => ({ ...snapshot, status: "playing" }));
    vi.spyOn(definition, "onUserStorageRestore").mockImplementation(({ userSnapshot }) => ({ ...userSnapshot, x: 9 }));
    await room.crash();
    const again = await room.connect({ id: "ada", token: user });
    expect(again.state).toMatchObject({
      status: "playing",
      players: { [client.publicId]: { x: 9, y: 6 } },
    });
    expect(vi.mocked(definition.onUserStorageRestore).mock.calls[0]?.[0]).toMatchObject({
      userSnapshot: { x: 5, y: 6 },
      publicId: client.publicId,
    });
  });
});
