import { afterEach, describe, expect, it, vi } from "vitest";
import { scripted } from "./scripted-socket.ts";
import type { ScriptedSocket } from "./scripted-socket.ts";

/** The part of a browser's document that the client uses. */
class Page extends EventTarget {
  visibilityState = "visible";

  show(visibilityState: "visible" | "hidden"): void {
    this.visibilityState = visibilityState;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

const script = scripted();
afterEach(() => {
  vi.unstubAllGlobals();
});

const pings = (socket: ScriptedSocket) => socket.sent.filter((text) => text === "ping").length;

describe("pings of a client", () => {
  it("measure the round trip, after connecting and every 30 seconds", async () => {
    const game = script.connect();
    const socket = (await script.next()).open();
    expect(pings(socket)).toBe(1);
    expect(game.latency).toBeUndefined();
    await vi.advanceTimersByTimeAsync(40);
    socket.text("pong");
    expect(game.latency).toBe(40);
    await vi.advanceTimersByTimeAsync(29_960);
    expect(pings(socket)).toBe(2);
    await vi.advanceTimersByTimeAsync(7);
    socket.text("pong");
    expect(game.latency).toBe(7);
    game.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(pings(socket)).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("find a dead connection, and allow more time with the next one", async () => {
    const game = script.connect();
    const first = (await script.next()).open();
    first.sync({ pId: "p" }, { seq: 1, epoch: "e" });
    first.text("pong");
    await vi.advanceTimersByTimeAsync(30_000);
    await vi.advanceTimersByTimeAsync(3_999);
    expect(game.status).toBe("open");
    const second = (await script.next()).open();
    expect(game.status).toBe("reconnecting");
    expect(first.closedWith).toBe(4000);
    expect(second.query["since"]).toBe("1");
    // It was opened 9 ms after the first one was abandoned.
    await vi.advanceTimersByTimeAsync(7_999);
    expect(second.closedWith).toBeUndefined();
    const third = (await script.next()).open();
    expect(second.closedWith).toBe(4000);
    third.text("pong");
    await vi.advanceTimersByTimeAsync(33_999);
    expect(third.closedWith).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(third.closedWith).toBe(4000);
    game.close();
    // The client was about to connect again.
    await vi.advanceTimersByTimeAsync(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("accept any packet as a sign of life", async () => {
    const game = script.connect();
    const socket = (await script.next()).open();
    await vi.advanceTimersByTimeAsync(9_000);
    socket.sync({ pId: "p" });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(socket.closedWith).toBeUndefined();
    game.close();
  });

  it("wait longer for the first answer, and if answers usually take long", async () => {
    const game = script.connect();
    const first = (await script.next()).open();
    await vi.advanceTimersByTimeAsync(9_999);
    expect(first.closedWith).toBeUndefined();
    const second = (await script.next()).open();
    expect(first.closedWith).toBe(4000);
    await vi.advanceTimersByTimeAsync(2_000);
    second.text("pong");
    expect(game.latency).toBe(2_000);
    await vi.advanceTimersByTimeAsync(28_000 + 7_999);
    expect(second.closedWith).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(second.closedWith).toBe(4000);
    game.close();
  });

  it("measure each answer from its own ping", async () => {
    const game = script.connect();
    const socket = (await script.next()).open();
    await vi.advanceTimersByTimeAsync(5_000);
    socket.packet("shout", 1);
    game.emit("rename", "a");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(pings(socket)).toBe(2);
    socket.text("pong");
    expect(game.latency).toBe(10_000);
    await vi.advanceTimersByTimeAsync(10);
    socket.text("pong");
    expect(game.latency).toBeLessThan(3_000);
    game.close();
  });

  it("continue while the page is hidden, with one at once when it is shown again", async () => {
    const page = new Page();
    vi.stubGlobal("document", page);
    const game = script.connect();
    const socket = (await script.next()).open();
    socket.text("pong");
    page.show("hidden");
    expect(pings(socket)).toBe(1);
    for (let count = 2; count <= 5; count++) {
      await vi.advanceTimersByTimeAsync(30_000);
      expect(pings(socket)).toBe(count);
      socket.text("pong");
    }
    page.show("visible");
    page.show("visible");
    expect(pings(socket)).toBe(6);
    game.close();
    page.show("hidden");
    page.show("visible");
    expect(pings(socket)).toBe(6);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("are scheduled when something arrives, since browsers delay chains of timers in hidden pages", async () => {
    const repeated = vi.spyOn(globalThis, "setInterval");
    const game = script.connect();
    const socket = (await script.next()).open();
    socket.text("pong");
    let isInTimer = false;
    const set = globalThis.setTimeout;
    const chained = vi.spyOn(globalThis, "setTimeout").mockImplementation((run: () => void, ms?: number) => {
      if (isInTimer && ms !== undefined && ms > 20_000) throw new Error("A timer set the next one");
      return set(() => {
        isInTimer = true;
        run();
        isInTimer = false;
      }, ms);
    });
    for (let count = 2; count <= 4; count++) {
      await vi.advanceTimersByTimeAsync(30_000);
      expect(pings(socket)).toBe(count);
      socket.text("pong");
    }
    expect(repeated).not.toHaveBeenCalled();
    chained.mockRestore();
    repeated.mockRestore();
    game.close();
  });

  it("stop without a connection", async () => {
    const game = script.connect({ socket: { ...script.socket, minReconnectionDelay: 5000 } });
    (await script.next()).open().drop();
    await vi.advanceTimersByTimeAsync(0);
    // The only timer left is the delay before the next attempt.
    expect(vi.getTimerCount()).toBe(1);
    game.close();
  });
});
