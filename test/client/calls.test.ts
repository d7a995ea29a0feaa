import { describe, expect, it, vi } from "vitest";
import { scripted } from "./scripted-socket.ts";
import type { ScriptedSocket } from "./scripted-socket.ts";

const script = scripted();

const actionsOf = (socket: ScriptedSocket | undefined) => socket?.messages.map(({ action, value }) => [action, value]);

describe("messages of a client", () => {
  it("wait without a connection, and are sent once, in order", async () => {
    const game = script.connect();
    game.emit("rename", "a");
    const called = game.call("set", 1);
    game.emit("rename", "b");
    const lost = await script.next();
    expect(lost.sent).toEqual([]);
    lost.drop();
    game.emit("rename", "c");
    (await script.next()).drop();
    const socket = (await script.next()).open();
    expect(actionsOf(socket)).toEqual([
      ["rename", "a"],
      ["set", 1],
      ["rename", "b"],
      ["rename", "c"],
    ]);
    socket.ack(1, "done");
    expect(await called).toBe("done");
    socket.drop();
    expect(actionsOf((await script.next()).open())).toEqual([]);
    game.close();
  });

  it("fail if they may be lost at a server that would run them twice", async () => {
    const game = script.connect();
    const first = (await script.next()).open();
    first.sync({ pId: "p", count: 0 });
    const sent = game.call("set", 1);
    first.drop();
    await expect(sent).rejects.toMatchObject({ code: "closed" });
    const waits = game.call("set", 2);
    const second = (await script.next()).open();
    expect(actionsOf(second)).toEqual([["set", 2]]);
    second.ack(0, "done");
    expect(await waits).toBe("done");
    game.close();
  });

  it("are sent again with the same id if they were not answered, before waiting ones", async () => {
    const game = script.connect();
    const first = (await script.next()).open();
    const calls = [game.call("set", 1), game.call("set", 2), game.call("set", 3)];
    game.emit("rename", "gone");
    first.ack(1, "two");
    first.drop();
    game.emit("rename", "later");
    const second = (await script.next()).open();
    expect(actionsOf(second)).toEqual([
      ["set", 1],
      ["set", 3],
      ["rename", "later"],
    ]);
    expect(second.messages.map(({ id }) => id)).toEqual([first.messages[0]?.id, first.messages[2]?.id, undefined]);
    second.refuse(0);
    second.ack(1, "three");
    // A repeated answer has no effect.
    second.ack(1, "again");
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes).toMatchObject([{ reason: { code: "forbidden" } }, { value: "two" }, { value: "three" }]);
    game.close();
  });

  it("are sent again up to the 64 that the room remembers", async () => {
    const game = script.connect();
    const first = (await script.next()).open();
    const calls = Array.from({ length: 70 }, (_, index) => game.call("set", index));
    first.drop();
    const outcomes = Promise.allSettled(calls);
    const second = (await script.next()).open();
    expect(actionsOf(second)).toEqual(Array.from({ length: 64 }, (_, index) => ["set", index + 6]));
    for (let index = 0; index < 64; index++) second.ack(index, "done");
    const settled = await outcomes;
    expect(settled.slice(0, 6)).toMatchObject(Array.from({ length: 6 }, () => ({ reason: { code: "closed" } })));
    expect(settled.slice(6)).toMatchObject(Array.from({ length: 64 }, () => ({ value: "done" })));
    game.close();
  });

  it("that were sent are not dropped for newer ones, since they may have arrived", async () => {
    const game = script.connect();
    const first = (await script.next()).open();
    const sent = game.call("set", 1);
    first.drop();
    const told: unknown[] = [];
    game.on("error", (error) => told.push(error));
    for (let index = 0; index < 401; index++) game.emit("rename", `${index}`);
    expect(told).toHaveLength(1);
    const second = (await script.next()).open();
    expect(actionsOf(second)?.slice(0, 2)).toEqual([
      ["set", 1],
      ["rename", "1"],
    ]);
    expect(second.messages).toHaveLength(401);
    second.ack(0, "done");
    expect(await sent).toBe("done");
    game.close();
  });

  it("wait without limit if the timeout is longer than the longest timer", async () => {
    const game = script.connect({ callTimeout: Infinity });
    const socket = (await script.next()).open();
    const called = game.call("set", 1);
    await vi.advanceTimersByTimeAsync(5_000);
    socket.ack(0, "done");
    expect(await called).toBe("done");
    game.close();
  });

  it("have ids that no other page of the session uses", async () => {
    const ids = new Set<string>();
    for (let page = 0; page < 20; page++) {
      const game = script.connect();
      const socket = (await script.next()).open();
      for (let call = 0; call < 5; call++) game.call("set", call).catch(() => {});
      for (const { id } of socket.messages) ids.add(id as string);
      game.close();
    }
    expect(ids.size).toBe(100);
  });

  it("time out, and are not sent afterwards", async () => {
    const game = script.connect();
    (await script.next()).open();
    const late = expect(game.call("set", 1)).rejects.toMatchObject({ name: "CallError", code: "timeout" });
    await vi.advanceTimersByTimeAsync(9_980);
    script.sockets[0]?.drop();
    const short = game.call("set", 2);
    await vi.advanceTimersByTimeAsync(30);
    await late;
    const socket = script.sockets.at(-1)?.open();
    expect(actionsOf(socket)).toEqual([["set", 2]]);
    socket?.ack(0, "done");
    expect(await short).toBe("done");
    game.close();
  });

  it("are dropped for newer ones if there are too many, and that is reported", async () => {
    const game = script.connect();
    const told: unknown[] = [];
    game.on("error", (error) => told.push(error));
    const oldest = game.call("set", 0);
    game.emit("rename", "second");
    for (let index = 0; index < 399; index++) game.emit("rename", "more");
    await expect(oldest).rejects.toMatchObject({ code: "overflow" });
    expect(told).toEqual([]);
    game.emit("rename", "last");
    expect(told).toEqual([{ code: "overflow", message: "Too many messages are waiting", action: "rename" }]);
    const socket = (await script.next()).open();
    expect(actionsOf(socket)).toHaveLength(400);
    expect(actionsOf(socket)?.filter(([, value]) => value === "second")).toEqual([]);
    expect(actionsOf(socket)?.at(-1)).toEqual(["rename", "last"]);
    game.close();
  });

  it("are refused after it is closed", async () => {
    const game = script.connect();
    const socket = (await script.next()).open();
    const told: unknown[] = [];
    game.on("error", ({ code }) => told.push(code));
    const waiting = game.call("set", 1);
    game.close();
    await expect(waiting).rejects.toMatchObject({ code: "closed", message: "The connection is closed" });
    await expect(game.call("set", 1)).rejects.toMatchObject({ code: "closed" });
    await expect(game.optimistic("set", 1, (state) => state)).rejects.toMatchObject({ code: "closed" });
    game.emit("set", 1);
    expect(told).toEqual(["closed"]);
    expect(socket.messages).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a client's connection", () => {
  it("ends after 1009 and 44xx, and reconnects after any other code", async () => {
    for (const code of [1009, 4400, 4401, 4404, 4429, 4499]) {
      const game = script.connect();
      const closed: unknown[] = [];
      game.on("closed", (end) => closed.push(end));
      (await script.next()).open().drop(code, "no");
      expect(closed).toEqual([{ code, reason: "no" }]);
      expect(game.status).toBe("closed");
      await vi.advanceTimersByTimeAsync(60_000);
      expect(vi.getTimerCount()).toBe(0);
    }
    for (const code of [1000, 1006, 1011, 4503]) {
      const game = script.connect();
      (await script.next()).open().drop(code);
      expect(game.status).toBe("reconnecting");
      (await script.next()).open().sync({ pId: "p" });
      expect(game.status).toBe("open");
      game.close();
    }
  });

  it("is not tried with only a transfer token, since it could not reconnect", () => {
    expect(() => script.connect({ id: undefined, transferToken: "t" })).toThrow(/transferToken needs id or storage/);
    script.connect({ transferToken: "t" }).close();
    expect(script.sockets).toEqual([]);
  });

  it("asks for a token for each attempt, and reports errors", async () => {
    const tokens = ["one", new Error("signed out"), "two"];
    const token = vi.fn(async () => {
      const next = tokens.shift();
      if (typeof next !== "string") throw next;
      return next;
    });
    const game = script.connect({ token });
    const told: unknown[] = [];
    game.on("error", (error) => told.push(error));
    const first = (await script.next()).open();
    expect(first.query["token"]).toBe("one");
    first.sync({ pId: "p" });
    first.drop();
    const second = await script.next(100);
    expect(second.query["token"]).toBe("two");
    expect(told).toMatchObject([{ name: "ConnectError", code: "token_failed", message: /signed out/ }]);
    expect(token).toHaveBeenCalledTimes(3);
    game.close();
  });

  it("chooses the scheme from the host", async () => {
    const { protocol: _, ...socket } = script.socket;
    const origins = [];
    for (const host of [
      "a.b",
      "localhost:8787",
      "192.168.0.7",
      "http://a.b/",
      "https://localhost:1",
      "10.example.com",
    ]) {
      const game = script.connect({ host, socket, room: "a/b", party: "lobby" });
      const { url } = await script.next();
      expect(url.pathname).toBe("/parties/lobby/a%2Fb");
      origins.push(url.origin);
      game.close();
    }
    expect(origins).toEqual([
      "wss://a.b",
      "ws://localhost:8787",
      "ws://192.168.0.7",
      "ws://a.b",
      "wss://localhost:1",
      "wss://10.example.com",
    ]);
  });

  it("P1.9: reaches a service below a path, also without TLS and through a World", async () => {
    const { protocol: _, ...socket } = script.socket;
    const urls = [];
    for (const host of ["a.b/game", "localhost/game/", "localhost:8787/a/b", "http://a.b/game"]) {
      const game = script.connect({ host, socket, room: "a/b", party: "lobby" });
      const { url } = await script.next();
      urls.push(url.origin + url.pathname);
      game.close();
    }
    expect(urls).toEqual([
      "wss://a.b/game/parties/lobby/a%2Fb",
      "ws://localhost/game/parties/lobby/a%2Fb",
      "ws://localhost:8787/a/b/parties/lobby/a%2Fb",
      "ws://a.b/game/parties/lobby/a%2Fb",
    ]);
  });

  it("calls a selector with the first packet, and not before", async () => {
    const game = script.connect();
    const widths: number[] = [];
    game.select(
      ({ config }) => config.map.width,
      (width) => widths.push(width),
    );
    const socket = (await script.next()).open();
    socket.sync({ pId: "p", config: { map: { width: 1 } } });
    socket.sync({ count: 1 });
    socket.sync({ config: { map: { width: 2 } } });
    expect(widths).toEqual([1, 2]);
    game.close();
  });

  it("survives a listener that throws, and does not call a removed one", async () => {
    const game = script.connect();
    const heard: string[] = [];
    const thrown: unknown[] = [];
    const errors = vi.spyOn(globalThis, "queueMicrotask").mockImplementation((run) => {
      try {
        run();
      } catch (error) {
        thrown.push(error);
      }
    });
    game.subscribe(() => {
      throw new Error("mine");
    });
    game.subscribe(({ name }) => heard.push(name));
    const second = game.on("shout", () => heard.push("second"));
    game.on("shout", () => heard.push("never"))();
    game.on("hush", () => second());
    const socket = (await script.next()).open();
    socket.sync({ pId: "p", name: "x" });
    socket.packet("shout", 1);
    socket.packet("hush", 1);
    socket.packet("shout", 1);
    expect(heard).toEqual(["x", "second"]);
    expect(thrown).toMatchObject([{ message: "mine" }]);
    expect(game.status).toBe("open");
    errors.mockRestore();
    game.close();
  });
});
