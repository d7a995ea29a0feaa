import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { scripted } from "./scripted-socket.ts";

const warn = vi.spyOn(console, "warn");
const script = scripted();
beforeEach(() => {
  warn.mockReset().mockImplementation(() => {});
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const refusal = (action: string, code = "forbidden") => ({ code, message: "It is not your turn", action });

/** A client that has joined the room. */
async function enter() {
  const game = script.connect();
  const socket = (await script.next()).open();
  socket.sync({ pId: "p" });
  return { game, socket };
}

describe("a refused emit", () => {
  it("is reported to error listeners with its name, and not to the console", async () => {
    const { game, socket } = await enter();
    const errors: unknown[] = [];
    game.on("error", (error) => errors.push(error));
    socket.packet("error", refusal("move"));
    expect(errors).toEqual([refusal("move")]);
    expect(warn).not.toHaveBeenCalled();
    game.close();
  });

  it("is written to the console without a listener, once for each action and code", async () => {
    const { game, socket } = await enter();
    const stop = game.on("error", () => {});
    stop();
    for (const value of [refusal("move"), refusal("move"), refusal("move", "rate_limited"), refusal("hit")])
      socket.packet("error", value);
    expect(warn.mock.calls.map(([text]) => String(text).split(". Listen")[0])).toEqual([
      'durable-rooms: "move" was refused: It is not your turn (forbidden)',
      'durable-rooms: "move" was refused: It is not your turn (rate_limited)',
      'durable-rooms: "hit" was refused: It is not your turn (forbidden)',
    ]);
    game.close();
  });

  it("is not written in a deployed page", async () => {
    vi.stubEnv("NODE_ENV", "production");
    const { game, socket } = await enter();
    socket.packet("error", refusal("move"));
    expect(warn).not.toHaveBeenCalled();
    game.close();
  });
});

it("a message that was never sent is written to the console too", async () => {
  const { game } = await enter();
  game.close();
  game.emit("set", 1);
  expect(warn.mock.calls[0]?.[0]).toContain('"set" was refused: The connection is closed (closed)');
});
