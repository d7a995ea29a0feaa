import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { scripted } from "./scripted-socket.ts";
import type { ScriptedClient, ScriptedSocket } from "./scripted-socket.ts";

const script = scripted();

const whole = { pId: "p", count: 0 };
/** The values of the messages in each frame, without pings. */
const framesOf = ({ sent }: ScriptedSocket): unknown[][] =>
  sent
    .filter((text) => text !== "ping")
    .map((text) => [JSON.parse(text) as { value?: unknown }].flat().map(({ value }) => value));
/** Opens a socket to a room that accepts frames of this size. */
async function open(frameBytes?: number, next = script.next()): Promise<ScriptedSocket> {
  const socket = (await next).open();
  socket.sync(whole, { seq: 1, epoch: "e", ...(frameBytes !== undefined && { batch: frameBytes }) });
  return socket;
}
const send = (game: ScriptedClient, ...values: string[]) => values.forEach((value) => game.emit("rename", value));

describe("messages in one frame", () => {
  it("are those of one task, in order, including calls", async () => {
    const game = script.connect();
    const socket = await open(65_536);
    send(game, "a", "b");
    const call = game.call("set", 1);
    send(game, "c");
    expect(framesOf(socket)).toEqual([]);
    await Promise.resolve();
    expect(framesOf(socket)).toEqual([["a", "b", 1, "c"]]);
    const [, , { id } = { id: "" }] = JSON.parse(socket.sent.at(-1) ?? "") as { id: string }[];
    socket.packet("ack", { id, result: "done" });
    expect(await call).toBe("done");
    send(game, "d");
    await Promise.resolve();
    send(game, "e");
    await Promise.resolve();
    expect(framesOf(socket).slice(1)).toEqual([["d"], ["e"]]);
    game.close();
  });

  it("are those of the time in `batch`, which begins with the first one", async () => {
    const game = script.connect({ batch: 200 });
    const socket = await open(65_536);
    send(game, "a");
    await vi.advanceTimersByTimeAsync(150);
    send(game, "b");
    await vi.advanceTimersByTimeAsync(49);
    expect(framesOf(socket)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(framesOf(socket)).toEqual([["a", "b"]]);
    send(game, "c");
    await vi.advanceTimersByTimeAsync(200);
    expect(framesOf(socket)).toEqual([["a", "b"], ["c"]]);
    game.close();
  });

  it("are never sent to a room that has not offered it", async () => {
    const game = script.connect({ batch: 200 });
    send(game, "a", "b");
    const socket = (await script.next()).open();
    send(game, "c");
    socket.sync(whole, { seq: 1, epoch: "e" });
    send(game, "d", "e");
    expect(framesOf(socket)).toEqual([["a"], ["b"], ["c"], ["d"], ["e"]]);
    socket.drop();
    const renewed = await open(65_536);
    send(game, "f", "g");
    await vi.advanceTimersByTimeAsync(200);
    expect(framesOf(renewed)).toEqual([["f", "g"]]);
    // The next connection may reach a room with an older version that does not know batches.
    renewed.drop();
    const older = await script.next();
    older.open();
    send(game, "h", "i");
    expect(framesOf(older)).toEqual([["h"], ["i"]]);
    // A room that was rolled back meanwhile reports it with a new whole state.
    older.sync(whole, { seq: 2, epoch: "e", reset: true, batch: 65_536 });
    send(game, "j", "k");
    older.sync(whole, { seq: 0, epoch: "f", reset: true });
    await vi.advanceTimersByTimeAsync(200);
    expect(framesOf(older).slice(2)).toEqual([["j"], ["k"]]);
    game.close();
  });

  it("that were not sent before the connection broke are sent by the next one, and not reported as lost", async () => {
    const game = script.connect({ batch: 200 });
    const errors: unknown[] = [];
    game.on("error", (error) => errors.push(error));
    const first = await open(65_536);
    send(game, "sent");
    await vi.advanceTimersByTimeAsync(200);
    send(game, "waits");
    const call = game.call("set", 1);
    first.drop();
    expect(errors).toMatchObject([{ code: "unconfirmed", action: "rename", count: 1 }]);
    const second = (await script.next(500)).open();
    expect(framesOf(first)).toEqual([["sent"]]);
    expect(framesOf(second)).toEqual([["waits"], [1]]);
    second.ack(1, "done");
    expect(await call).toBe("done");
    game.close();
  });

  it("are sent before the connection is closed", async () => {
    const game = script.connect({ batch: 200 });
    const socket = await open(65_536);
    send(game, "a", "b");
    game.close();
    expect(framesOf(socket)).toEqual([["a", "b"]]);
    expect(socket.closedWith).toBe(1000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(framesOf(socket)).toEqual([["a", "b"]]);
  });

  it("are confirmed only by a later ping", async () => {
    const game = script.connect({ batch: 40_000 });
    const errors: unknown[] = [];
    game.on("error", (error) => errors.push(error));
    const socket = await open(65_536);
    socket.text("pong");
    await vi.advanceTimersByTimeAsync(10_000);
    send(game, "a");
    const pings = () => socket.sent.filter((text) => text === "ping").length;
    await vi.advanceTimersByTimeAsync(20_100);
    expect([pings(), framesOf(socket)]).toEqual([2, []]);
    socket.text("pong");
    await vi.advanceTimersByTimeAsync(19_900);
    expect(framesOf(socket)).toEqual([["a"]]);
    socket.drop();
    expect(errors).toMatchObject([{ code: "unconfirmed", count: 1 }]);
    game.close();
  });

  it("have at most the bytes that the room accepts, and keep their order", async () => {
    const values = fc.array(fc.string({ unit: "binary", maxLength: 60 }), { maxLength: 900 });
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 1, max: 2000 }), fc.nat(2), async (texts, limit, tasks) => {
        const game = script.connect({ batch: 10 });
        const socket = await open(limit);
        for (const [index, text] of texts.entries()) {
          send(game, text);
          if (tasks > 0 && index % (tasks * 50) === 0) await vi.advanceTimersByTimeAsync(10);
        }
        await vi.advanceTimersByTimeAsync(10);
        expect(framesOf(socket).flat()).toEqual(JSON.parse(JSON.stringify(texts)));
        for (const frame of socket.sent.filter((text) => text.startsWith("["))) {
          expect(new TextEncoder().encode(frame).length).toBeLessThanOrEqual(limit);
        }
        game.close();
      }),
      { numRuns: 50 },
    );
  });
});
