import { afterEach, describe, expect, it, vi } from "vitest";
import { jsonBlocks } from "../../src/protocol/binary/blocks.ts";
import { writeSyncFrame } from "../../src/protocol/binary/frames.ts";
import { scripted } from "./scripted-socket.ts";
import type { ScriptedSocket } from "./scripted-socket.ts";

const script = scripted();
afterEach(() => {
  vi.restoreAllMocks();
});

/** What was sent, without pings. */
const sentBy = ({ sent }: ScriptedSocket) => sent.filter((text) => text !== "ping");

type Ask = (socket: ScriptedSocket, confirm: number, spread?: number) => void;
const asText: Ask = (socket, confirm, spread = 0) => socket.sync({}, { confirm, spread });
const asBinary: Ask = (socket, confirm, spread = 0) => socket.binary(writeSyncFrame({ confirm, spread }));

describe.each([
  ["text", asText],
  ["a binary frame", asBinary],
] as const)("P14.1: a request for a confirmation as %s", (_, ask) => {
  async function connected() {
    const game = script.connect();
    const socket = (await script.next()).open();
    socket.sync({ pId: "p1", count: 1 }, { seq: 4, epoch: "e1", batch: 1000 });
    return { game, socket };
  }

  it("is answered in the next message, as its first key, and once", async () => {
    const { game, socket } = await connected();
    ask(socket, 7);
    // A client that sends nothing is not made to.
    await vi.advanceTimersByTimeAsync(3000);
    expect(sentBy(socket)).toEqual([]);
    game.emit("set", 1);
    await vi.advanceTimersByTimeAsync(1);
    game.emit("set", 2);
    await vi.advanceTimersByTimeAsync(1);
    expect(sentBy(socket)).toEqual(['{"confirm":7,"action":"set","value":1}', '{"action":"set","value":2}']);
    game.close();
  });

  it("is answered in the first of several messages", async () => {
    const { game, socket } = await connected();
    ask(socket, 7);
    game.emit("set", 1);
    game.emit("set", 2);
    await vi.advanceTimersByTimeAsync(1);
    expect(sentBy(socket)).toEqual(['[{"confirm":7,"action":"set","value":1},{"action":"set","value":2}]']);
    game.close();
  });

  it("is answered at once, with the later number, if the room asks again", async () => {
    const { game, socket } = await connected();
    ask(socket, 7);
    ask(socket, 8);
    expect(sentBy(socket)).toEqual(['{"confirm":8}']);
    ask(socket, 9);
    expect(sentBy(socket)).toHaveLength(1);
    game.close();
  });

  it("is for its connection only, and changes no state", async () => {
    const { game, socket } = await connected();
    const synced = vi.fn();
    game.on("sync", synced);
    ask(socket, 7);
    expect(synced).not.toHaveBeenCalled();
    expect(game.state).toEqual({ count: 1 });
    socket.drop();
    const again = (await script.next(50)).open();
    again.sync({ pId: "p1", count: 2 }, { seq: 5, epoch: "e1" });
    ask(again, 8);
    expect(sentBy(again)).toEqual([]);
    game.close();
  });

  it("P7.11: has the time within which the client starts its next attempt after it lost the connection", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const { game, socket } = await connected();
    ask(socket, 7, 60_000);
    ask(socket, 8, 4000);
    socket.drop();
    await vi.advanceTimersByTimeAsync(1990);
    expect(script.sockets).toHaveLength(1);
    const again = (await script.next(100)).open();
    again.sync({ pId: "p1", count: 2 }, { seq: 5, epoch: "e1" });
    game.close();
  });
});

describe("P13.1: a client asks for protocols 2 and 3", () => {
  it("and only for 2 with the option binary: false", async () => {
    const both = script.connect();
    expect((await script.next()).url.searchParams.getAll("protocol")).toEqual(["2", "3"]);
    both.close();
    const json = script.connect({ binary: false });
    expect((await script.next()).url.searchParams.getAll("protocol")).toEqual(["2"]);
    json.close();
  });

  it("and shows packets as JSON, of whichever kind they are", async () => {
    const game = script.connect();
    const packets: unknown[] = [];
    game.on("packet", (packet) => packets.push(packet));
    const socket = (await script.next()).open();
    const tables = { tablesHash: "h", tables: "[]", run: "r" };
    socket.binary(writeSyncFrame({ seq: 4, epoch: "e1", publicId: "p1", ...tables }, jsonBlocks({ count: 1 }, false)));
    socket.sync({ count: 2 }, { seq: 5 });
    expect(packets).toEqual([
      { type: "sync", seq: 4, epoch: "e1", value: { pId: "p1", count: 1 } },
      { type: "sync", seq: 5, value: { count: 2 } },
    ]);
    game.close();
  });
});
