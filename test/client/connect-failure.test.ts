import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connectWorld } from "../../src/client/index.ts";
import type { ConnectOptions } from "../../src/client/index.ts";
import { scripted } from "./scripted-socket.ts";
import type { ScriptedClient } from "./scripted-socket.ts";

const warn = vi.spyOn(console, "warn");
const script = scripted();

beforeEach(() => {
  warn.mockReset().mockImplementation(() => {});
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function errorsOf(game: ScriptedClient): { code: string; message: string }[] {
  const errors: { code: string; message: string }[] = [];
  game.on("error", ({ code, message }) => errors.push({ code, message }));
  return errors;
}

/** Connects a client without the option `socket.protocol`. */
function connectBare(options: Partial<ConnectOptions>): ScriptedClient {
  const { protocol: _, ...socket } = script.socket;
  return script.connect({ socket, ...options });
}

describe("a client that does not connect", () => {
  it("reports once that there is no answer, and again after it was connected", async () => {
    const game = script.connect();
    const errors = errorsOf(game);
    const none = { code: "no_answer", message: "http://h does not answer" };
    (await script.next()).drop();
    (await script.next()).drop();
    expect(errors).toEqual([none]);
    const there = (await script.next()).open();
    there.sync({ pId: "p" });
    there.drop();
    expect(errors).toEqual([none]);
    (await script.next()).drop();
    expect(errors).toEqual([none, none]);
    game.close();
    expect(warn).not.toHaveBeenCalled();
  });

  it("stops an attempt that takes too long, and reports that", async () => {
    const game = script.connect({ socket: { ...script.socket, connectionTimeout: 300 } });
    const errors = errorsOf(game);
    await script.next();
    await script.next(300);
    expect(script.sockets[0]?.closedWith).toBe(1000);
    expect(errors.map(({ code }) => code)).toEqual(["no_answer"]);
    game.close();
  });

  it.each([
    [4990, 4000],
    [5010, 1000],
  ])("waits longer each time, until a connection has lasted for 5 seconds: %i ms", async (uptime, delay) => {
    const game = script.connect({
      socket: { ...script.socket, minReconnectionDelay: 1000, reconnectionDelayGrowFactor: 2 },
    });
    game.on("error", () => {});
    (await script.next()).drop();
    (await script.next(1010)).drop();
    const there = (await script.next(2010)).open();
    there.sync({ pId: "p" });
    there.text("pong");
    await vi.advanceTimersByTimeAsync(uptime);
    there.drop();
    await vi.advanceTimersByTimeAsync(delay - 10);
    expect(script.sockets).toHaveLength(3);
    await script.next(20);
    game.close();
  });

  it("reports that the room is full, and other refusals", async () => {
    const game = script.connect();
    const errors = errorsOf(game);
    (await script.next()).open().drop(4503, "The room is full");
    (await script.next()).open().drop(4503, "The room is full");
    (await script.next()).open().packet("error", { code: "internal", message: "Something went wrong", close: 1011 });
    expect(errors).toEqual([
      { code: "room_full", message: "The room is full" },
      { code: "refused", message: "The room closed the connection with 1011: Something went wrong" },
    ]);
    game.close();
  });

  it.each(["my-pc.lan:8787", "my-pc.lan"])(
    "reports that the scheme may be wrong: %s from a page without TLS",
    async (host) => {
      vi.stubGlobal("location", { protocol: "http:", hostname: "localhost", host: "localhost:5173" });
      const game = connectBare({ host });
      const errors = errorsOf(game);
      const socket = await script.next();
      expect(socket.url.protocol).toBe("wss:");
      socket.drop();
      expect(errors).toEqual([
        {
          code: "wrong_scheme",
          message: `https://${host} does not answer. If it has no TLS, use host: "http://${host}"`,
        },
      ]);
      game.close();
    },
  );

  it.each(["my-pc.lan:8787", "my-pc.lan:5173", "0.0.0.0:8787", "my-pc.lan/game"])(
    "reaches %s without TLS from a page without TLS",
    async (host) => {
      vi.stubGlobal("location", { protocol: "http:", hostname: "my-pc.lan", host: "my-pc.lan:5173" });
      const game = connectBare({ host });
      expect((await script.next()).url.protocol).toBe("ws:");
      game.close();
      vi.stubGlobal("location", { protocol: "https:", hostname: "my-pc.lan", host: "my-pc.lan:5173" });
      const other = connectBare({ host: "my-pc.lan.example.com" });
      expect((await script.next()).url.protocol).toBe("wss:");
      other.close();
    },
  );

  it("reports the browser's message for an address that it cannot connect to", async () => {
    const refusing = class extends EventTarget {
      constructor() {
        super();
        throw new Error("An insecure WebSocket connection may not be initiated from a page loaded over HTTPS.");
      }
    };
    const game = connectBare({ host: "192.168.0.7:8787", socket: { WebSocket: refusing } });
    const errors = errorsOf(game);
    const closed = new Promise((resolve) => game.on("closed", resolve));
    const reason = expect.stringMatching(/^Cannot connect to http:\/\/192\.168\.0\.7:8787: An insecure/);
    await vi.advanceTimersByTimeAsync(0);
    expect(await closed).toEqual({ code: 4400, reason });
    expect(errors).toEqual([{ code: "invalid_address", message: reason }]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("without a listener", () => {
  it.each([
    [4401, "The token has expired"],
    [4404, "There is no such room"],
  ])("a refusal with %s is in the console", async (code, reason) => {
    script.connect();
    (await script.next()).open().drop(code, reason);
    expect(warn.mock.calls).toEqual([[`durable-rooms: The room closed the connection with ${code}: ${reason}`]]);
  });

  it("the first reason is in the console, once", async () => {
    const game = script.connect();
    (await script.next()).drop();
    (await script.next()).open().drop(4503, "The room is full");
    (await script.next()).open().drop(4404, "There is no such room");
    expect(warn.mock.calls).toEqual([["durable-rooms: http://h does not answer"]]);
    expect(game.status).toBe("closed");
  });

  it("nothing is in the console with a listener", async () => {
    const game = script.connect();
    const closed = vi.fn();
    game.on("closed", closed);
    (await script.next()).open().drop(4401, "The token has expired");
    expect(closed).toHaveBeenCalledWith({ code: 4401, reason: "The token has expired" });
    expect(warn).not.toHaveBeenCalled();
  });
});

describe("close", () => {
  it("ends the delay before the next attempt at once, and asks for no further token", async () => {
    const token = vi.fn(() => "t");
    const game = script.connect({ token, socket: { ...script.socket, minReconnectionDelay: 5000 } });
    (await script.next()).drop();
    await vi.advanceTimersByTimeAsync(10);
    expect(vi.getTimerCount()).toBe(1);
    game.close();
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(token).toHaveBeenCalledTimes(1);
    expect(script.sockets).toHaveLength(1);
  });

  it("ends the minutes of waiting after a quota was used up", async () => {
    const game = script.connect();
    (await script.next()).open().drop(1013, "later");
    await vi.advanceTimersByTimeAsync(10_000);
    game.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends a request to a World", async () => {
    let asked: AbortSignal | undefined;
    vi.stubGlobal("fetch", (_: string, { signal }: { signal: AbortSignal }) => {
      asked = signal;
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("ended"))));
    });
    const world = connectWorld({ host: "h", room: "r", socket: script.socket });
    await vi.advanceTimersByTimeAsync(10);
    expect(asked?.aborted).toBe(false);
    world.close();
    await vi.advanceTimersByTimeAsync(10);
    expect(asked?.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(warn).not.toHaveBeenCalled();
  });

  it("may be called by a listener of a lost connection", async () => {
    const game = script.connect();
    game.on("status", (status) => status === "reconnecting" && game.close());
    (await script.next()).drop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(script.sockets).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
