import { afterEach, describe, expect, it, vi } from "vitest";
import { scripted } from "./scripted-socket.ts";

const script = scripted();

describe("a room that announces that it closes the connection", () => {
  it("P7.7: ends a client at once, if the code is final", async () => {
    const game = script.connect();
    const closed = vi.fn();
    game.on("closed", closed);
    const socket = (await script.next()).open();
    socket.sync({ pId: "p" }, { seq: 1, epoch: "e" });
    const call = game.call("set", 1).catch((error: Error) => error.message);
    socket.packet("error", { code: "closed", message: "Kicked", close: 4403 });
    expect(closed).toHaveBeenCalledExactlyOnceWith({ code: 4403, reason: "Kicked" });
    expect(game.status).toBe("closed");
    expect(await call).toBe("Kicked");
    // The connection closes much later than the packet that announces it.
    socket.drop(4403, "Kicked");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(closed).toHaveBeenCalledOnce();
  });

  it("P7.10: tells a client that the room was destroyed, and the client does not try again", async () => {
    const game = script.connect();
    const events: unknown[] = [];
    game.on("destroyed", (event) => events.push(event));
    game.on("closed", (event) => events.push(event));
    const socket = (await script.next()).open();
    socket.sync({ pId: "p" }, { seq: 1, epoch: "e" });
    socket.packet("error", { code: "destroyed", message: "over", close: 4410 });
    socket.drop(4410, "over");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(events).toEqual([{ reason: "over" }, { code: 4410, reason: "over" }]);
    expect(game.status).toBe("closed");
  });

  it("P7.7: lets a client reconnect soon, if the code is not final", async () => {
    const game = script.connect();
    const socket = (await script.next()).open();
    socket.sync({ pId: "p" }, { seq: 1, epoch: "e" });
    socket.packet("error", { code: "internal", message: "Later", close: 1012 });
    expect(game.status).toBe("reconnecting");
    const next = (await script.next(2000)).open();
    next.sync({}, { seq: 1, resumed: true });
    expect(game.status).toBe("open");
  });

  it("P7.8: does not report that a join is in progress", async () => {
    const game = script.connect();
    const joining = vi.fn();
    game.on("joining" as never, joining);
    const socket = (await script.next()).open();
    socket.packet("joining", undefined);
    expect(joining).not.toHaveBeenCalled();
    expect(game.status).toBe("connecting");
    socket.sync({ pId: "p" }, { seq: 1, epoch: "e" });
    expect(game.status).toBe("open");
  });
});

describe("P7.3: a service that has used up a quota", () => {
  it.each(["closes a connection", "says so first"])("makes a client wait for minutes: it %s", async (how) => {
    const game = script.connect();
    const socket = (await script.next()).open();
    socket.sync({ pId: "p" }, { seq: 1, epoch: "e" });
    if (how === "closes a connection") socket.drop(1013, "Later");
    else socket.packet("error", { code: "over_quota", message: "Later", close: 1013 });
    expect(game.status).toBe("reconnecting");
    const attempts = () => script.sockets.length;
    const before = attempts();
    await vi.advanceTimersByTimeAsync(299_000);
    expect(attempts()).toBe(before);
    await vi.advanceTimersByTimeAsync(320_000);
    expect(attempts()).toBeGreaterThan(before);
    game.close();
  });
});

describe("P7.11: clients that lose their connections together", () => {
  async function attempts(...heads: readonly Record<string, unknown>[]): Promise<ReturnType<typeof vi.fn>> {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const game = script.connect({
      socket: { ...script.socket, minReconnectionDelay: 1000, reconnectionDelayGrowFactor: 2 },
    });
    const socket = (await script.next()).open();
    socket.sync({ pId: "p" }, { seq: 1, epoch: "e" });
    for (const head of heads) socket.sync({}, head);
    await vi.advanceTimersByTimeAsync(6000);
    socket.drop();
    expect(game.status).toBe("reconnecting");
    const begun = vi.fn();
    for (let second = 1; second <= 160; second++) {
      const before = script.sockets.length;
      await vi.advanceTimersByTimeAsync(1000);
      if (script.sockets.length > before) begun(second);
      script.sockets.at(-1)?.drop();
    }
    game.close();
    return begun;
  }
  afterEach(() => vi.restoreAllMocks());

  it("delay the first attempt up to the room's last value, and no later attempt", async () => {
    const begun = await attempts({ confirm: 1, spread: 90_000 }, { confirm: 2, spread: 10_000 });
    // Delays of 1 and 5 seconds plus the spread, then of 2, 4 and 8 seconds.
    expect(begun.mock.calls.slice(0, 4).flat()).toEqual([6, 8, 12, 20]);
  });

  it("do not delay it if the room stopped sending the value", async () => {
    const begun = await attempts({ confirm: 1, spread: 10_000 }, { confirm: 2 });
    expect(begun.mock.calls.slice(0, 2).flat()).toEqual([1, 3]);
  });

  it("limit the delay to 5 minutes, and ignore a value that is not a number", async () => {
    const late = await attempts({ confirm: 1, spread: 1e12 });
    expect(late.mock.calls[0]).toEqual([151]);
    const early = await attempts({ confirm: 1, spread: "long" });
    expect(early.mock.calls[0]).toEqual([1]);
  });
});
