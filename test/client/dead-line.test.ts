import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Script, scripted } from "./scripted-socket.ts";
import type { ScriptedClient, ScriptedSocket } from "./scripted-socket.ts";

const script = scripted();
let game: ScriptedClient;
let socket: ScriptedSocket;
let errors: unknown[];
beforeEach(async () => {
  ({ game, socket, errors } = await open());
});
afterEach(() => {
  game.close();
  expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
});

/** A client that has joined a room, with a latency of 50 ms. */
async function open(options: Parameters<Script["connect"]>[0] = {}) {
  const game = script.connect(options);
  const errors: unknown[] = [];
  game.on("error", (error) => errors.push(error));
  const socket = (await script.next()).open();
  socket.sync({ pId: "p", count: 0 }, { seq: 1, epoch: "e" });
  await vi.advanceTimersByTimeAsync(50);
  socket.text("pong");
  return { game, socket, errors };
}

const pings = ({ sent }: ScriptedSocket) => sent.filter((text) => text === "ping").length;
/** The next socket that the client creates within this time. */
async function reconnected(ms: number): Promise<ScriptedSocket> {
  const before = script.sockets.length;
  await vi.advanceTimersByTimeAsync(ms);
  expect(script.sockets).toHaveLength(before + 1);
  return script.sockets.at(-1) as ScriptedSocket;
}
const unconfirmed = (action: string, count: number) =>
  expect.objectContaining({ code: "unconfirmed", action, count }) as unknown;

describe("a dead connection", () => {
  it("is found well before a call times out, and the call is sent again", async () => {
    const done = game.call("set", 1);
    const next = (await reconnected(7_000)).open();
    expect(socket.closedWith).toBe(4000);
    expect(next.messages).toEqual(socket.messages);
    next.sync({ count: 1 }, { seq: 2, resumed: true });
    next.ack(0, "done", 2);
    expect(await done).toBe("done");
    expect(errors).toEqual([]);
  });

  it("is found equally soon if no ping was ever answered", async () => {
    game.close();
    game = script.connect();
    socket = (await script.next()).open();
    socket.sync({ pId: "p", count: 0 }, { seq: 1, epoch: "e" });
    game.call("set", 1).catch(() => {});
    await reconnected(7_000);
  });

  it("is found equally soon if it dies while packets arrive and the call waits", async () => {
    game.call("set", 1).catch(() => {});
    await vi.advanceTimersByTimeAsync(2_400);
    socket.sync({ count: 1 }, { seq: 2 });
    await reconnected(7_000);
  });

  it("is found while no call waits, and possibly lost messages are reported", async () => {
    for (let count = 0; count < 4; count++) game.emit("rename", `${count}`);
    game.emit("set", 1);
    const next = (await reconnected(7_000)).open();
    expect(errors).toEqual([unconfirmed("rename", 4), unconfirmed("set", 1)]);
    next.sync({}, { seq: 1, resumed: true });
    next.text("pong");
    next.drop();
    (await script.next()).open();
    expect(errors).toHaveLength(2);
  });

  it("is checked every 2.5 seconds while a call waits, and not at all if the answer comes sooner", async () => {
    const before = pings(socket);
    const quick = game.call("set", 1);
    await vi.advanceTimersByTimeAsync(1_000);
    socket.ack(0, "done", 1);
    await quick;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(pings(socket)).toBe(before);
    const slow = game.call("set", 2);
    for (let count = 1; count <= 3; count++) {
      await vi.advanceTimersByTimeAsync(2_450);
      expect(pings(socket)).toBe(before + count - 1);
      await vi.advanceTimersByTimeAsync(60);
      expect(pings(socket)).toBe(before + count);
      socket.text("pong");
    }
    socket.ack(1, "done", 1);
    expect(await slow).toBe("done");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(pings(socket)).toBe(before + 3);
    expect(script.sockets).toHaveLength(1);
  });

  it("is checked at most every 10 seconds while packets arrive", async () => {
    const before = pings(socket);
    let seq = 1;
    for (let time = 0; time < 20_000; time += 50) {
      game.emit("set", time);
      socket.sync({ count: time }, { seq: ++seq });
      if (socket.sent.at(-1) === "ping") socket.text("pong");
      await vi.advanceTimersByTimeAsync(50);
      if (socket.sent.at(-1) === "ping") socket.text("pong");
    }
    expect(pings(socket) - before).toBeLessThanOrEqual(2);
    expect(script.sockets).toHaveLength(1);
    expect(errors).toEqual([]);
  });
});

describe("an emitted message", () => {
  it("has arrived if a later ping or call was answered", async () => {
    game.emit("rename", "a");
    await vi.advanceTimersByTimeAsync(2_600);
    game.emit("rename", "b");
    socket.text("pong");
    socket.drop();
    expect(errors).toEqual([unconfirmed("rename", 1)]);
    socket = (await script.next()).open();
    socket.sync({}, { seq: 1, resumed: true });
    game.emit("rename", "c");
    const called = game.call("set", 1);
    game.emit("set", 2);
    socket.ack(1, "done", 1);
    await called;
    socket.drop();
    expect(errors).toEqual([unconfirmed("rename", 1), unconfirmed("set", 1)]);
  });

  it("may not have arrived if only a packet, or an earlier ping, arrived", async () => {
    await vi.advanceTimersByTimeAsync(30_000);
    game.emit("rename", "a");
    socket.text("pong");
    socket.sync({ count: 1 }, { seq: 2 });
    socket.drop();
    expect(errors).toEqual([unconfirmed("rename", 1)]);
  });

  it("is reported if the room ends the connection, and not if the client does", async () => {
    game.emit("rename", "a");
    socket.drop(4403, "no");
    expect(errors).toEqual([unconfirmed("rename", 1)]);
    const other = await open();
    other.game.emit("rename", "b");
    other.game.close();
    expect(other.errors).toEqual([]);
  });

  it("that waits for a connection is reported if there will be none", async () => {
    socket.drop();
    game.emit("rename", "a");
    game.emit("rename", "b");
    const next = await script.next();
    next.drop(4403, "no");
    expect(errors).toEqual([{ code: "closed", message: "no", action: "rename", count: 2 }]);
  });
});

describe("a browser that is offline", () => {
  const say = (type: "online" | "offline") => (globalThis as EventTarget).dispatchEvent(new Event(type));

  it("keeps messages until the connection answers", async () => {
    say("offline");
    expect(pings(socket)).toBe(2);
    game.emit("rename", "a");
    socket.packet("shout", 1);
    expect(socket.messages).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    socket.text("pong");
    expect(socket.messages).toEqual([{ action: "rename", value: "a" }]);
    await vi.advanceTimersByTimeAsync(3_000);
    socket.text("pong");
    socket.drop();
    expect(errors).toEqual([]);
  });

  it("drops a connection that does not answer, even if something arrived late, and loses nothing", async () => {
    say("offline");
    game.emit("rename", "a");
    socket.packet("shout", 1);
    const next = (await reconnected(4_100)).open();
    expect(next.messages).toEqual([{ action: "rename", value: "a" }]);
    expect(errors).toEqual([]);
  });

  it("reconnects at once when it is online again and the connection has not answered", async () => {
    say("offline");
    await vi.advanceTimersByTimeAsync(1_000);
    say("online");
    await reconnected(5);
    expect(socket.closedWith).toBe(4000);
  });

  it("checks a trusted connection", () => {
    say("online");
    expect(pings(socket)).toBe(2);
    expect(socket.closedWith).toBeUndefined();
  });

  it("does not wait for the next attempt when it is online again", async () => {
    game.close();
    ({ game, socket } = await open({ socket: { ...script.socket, minReconnectionDelay: 9_000 } }));
    socket.drop();
    await vi.advanceTimersByTimeAsync(2_000);
    say("online");
    const next = await reconnected(5);
    next.drop();
    // The delays continue with the second step, because the client has already waited once.
    await vi.advanceTimersByTimeAsync(8_000);
    expect(script.sockets.at(-1)).toBe(next);
    await reconnected(3_000);
  });

  it("does not affect a closed client", () => {
    game.close();
    const { length } = socket.sent;
    say("offline");
    say("online");
    expect(socket.sent).toHaveLength(length);
  });
});
