import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConnectError, findRoom, listRooms } from "../../src/client/index.ts";
import { scripted, ScriptedSocket } from "./scripted-socket.ts";

let asked: { url: string; body: unknown; authorization: string | null }[];
let answers: (Response | Error)[];

beforeEach(() => {
  asked = [];
  answers = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    asked.push({
      url,
      body: JSON.parse(init.body as string),
      authorization: new Headers(init.headers).get("authorization"),
    });
    const answer = answers.shift() ?? room(`game-${asked.length}`);
    if (answer instanceof Error) throw answer;
    return answer;
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const listing = (roomId: string) => ({ roomId, metadata: { mode: "duel" }, locked: false, users: 1, maxUsers: 2 });
const room = (roomId: string) => Response.json({ success: true, ...listing(roomId) });
const refuse = (status: number, body: object = { error: "No" }, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers });

describe("findRoom and listRooms", () => {
  it("ask the World, with the token", async () => {
    const filter = { mode: "duel", level: { gte: 3 } };
    const options = { host: "h.example", worldId: "w 1", party: "games", room: "game-{id}", filter, token: "jwt" };
    expect(await findRoom({ ...options, order: "emptiest", create: { id: "7" } })).toEqual(listing("game-1"));
    answers = [Response.json({ success: true, rooms: [listing("game-1")] })];
    expect(
      await listRooms({ host: "localhost:8787", room: "game-{id}", limit: 5, token: async () => "later" }),
    ).toEqual([listing("game-1")]);
    const query = { room: "game-{id}", filter, party: "games" };
    expect(asked).toEqual([
      {
        url: "https://h.example/parties/world/w%201/find-room",
        body: { ...query, order: "emptiest", create: { id: "7" } },
        authorization: "Bearer jwt",
      },
      {
        url: "http://localhost:8787/parties/world/world-default/list-rooms",
        body: { room: "game-{id}", limit: 5 },
        authorization: "Bearer later",
      },
    ]);
  });

  it("P1.9: ask a service below a path", async () => {
    await findRoom({ host: "localhost/game", room: "game-{id}" });
    expect(asked).toMatchObject([{ url: "http://localhost/game/parties/world/world-default/find-room" }]);
  });

  it("reject with the World's refusal", async () => {
    answers = [
      refuse(404, { error: "There is no matching room with a free place" }),
      refuse(400),
      new Error("offline"),
    ];
    const find = () => findRoom({ host: "h", room: "game-{id}" }).catch((error: unknown) => error);
    const none = await find();
    expect(none).toBeInstanceOf(ConnectError);
    expect(none).toMatchObject({ code: "world_refused", status: 404, isFinal: false });
    expect(none).toHaveProperty("message", "There is no matching room with a free place");
    expect(await find()).toMatchObject({ code: "world_refused", status: 400, isFinal: true });
    expect(await find()).toMatchObject({ code: "world_unreachable" });
  });
});

describe("an answer from something between client and World, such as a login page,", () => {
  it("is not taken for a room or an empty list", async () => {
    for (const call of [findRoom, listRooms]) {
      answers = [new Response("<html>"), Response.json({ ok: true })];
      for (let index = 0; index < 2; index++) {
        const refusal = { code: "world_refused", status: 200, isFinal: false };
        await expect(call({ host: "h", room: "game-{id}" })).rejects.toMatchObject(refusal);
      }
    }
  });
});

describe("connectRoom with a function that finds the room", () => {
  const script = scripted();

  /** Waits for the next socket that the client creates. */
  const nextSocket = async () => {
    const before = script.sockets.length;
    while (script.sockets.length === before) await vi.advanceTimersByTimeAsync(1);
    return script.sockets.at(-1) as ScriptedSocket;
  };
  const connect = (find = async () => (await findRoom({ host: "h", room: "game-{id}", create: true })).roomId) =>
    script.connect({ room: find });

  it("asks for another room if it is full, until one accepts the client, and stays there", async () => {
    const game = connect();
    expect(game.room).toBeUndefined();
    const first = await nextSocket();
    expect([first.url.pathname, game.room]).toEqual(["/parties/main/game-1", "game-1"]);
    first.open().drop(4503, "The room is full");
    const second = await nextSocket();
    expect(second.url.pathname).toBe("/parties/main/game-2");
    // A broken connection does not mean that the room is full or closed.
    second.drop();
    const third = (await nextSocket()).open();
    expect(third.url.pathname).toBe("/parties/main/game-2");
    third.sync({ pId: "p", count: 1 }, { seq: 1, epoch: "e" });
    expect([game.status, game.room]).toEqual(["open", "game-2"]);
    // A client that has been in the room keeps trying to get back, also if the room is full.
    for (const code of [1006, 4503]) {
      script.sockets.at(-1)?.drop(code);
      expect((await nextSocket()).open().url.pathname).toBe("/parties/main/game-2");
    }
    expect(asked).toHaveLength(2);
    game.close();
  });

  it("asks for another room at once a few times, and then waits as for any other", async () => {
    const slow = { minReconnectionDelay: 1000, reconnectionDelayGrowFactor: 1 };
    const game = script.connect({ room: () => `game-${script.sockets.length}`, socket: { ...script.socket, ...slow } });
    const start = Date.now();
    for (let count = 0; count < 6; count++) (await nextSocket()).open().drop(4503, "The room is full");
    expect(Date.now() - start).toBeLessThan(100);
    expect(script.sockets.map(({ url }) => url.pathname.at(-1))).toEqual(["0", "1", "2", "3", "4", "5"]);
    await nextSocket();
    expect(Date.now() - start).toBeGreaterThanOrEqual(1000);
    game.close();
  });

  it("waits for a room if there is none, as long as the World says, and reports it", async () => {
    answers = [refuse(404), refuse(429, { error: "Slower" }, { "retry-after": "5" })];
    const game = connect();
    const errors: unknown[] = [];
    game.on("error", (error) => errors.push(error));
    await vi.waitFor(() => expect(errors).toHaveLength(2), { interval: 1 });
    expect(errors).toMatchObject([{ status: 404 }, { status: 429 }]);
    await vi.advanceTimersByTimeAsync(4900);
    expect(asked).toHaveLength(2);
    expect((await nextSocket()).url.pathname).toBe("/parties/main/game-3");
    game.close();
  });

  it("ends if asking again cannot help, and continues if the developer's own code failed", async () => {
    answers = [refuse(400, { error: "Invalid request" })];
    const game = connect();
    const closed = vi.fn();
    game.on("closed", closed);
    await vi.advanceTimersByTimeAsync(100);
    expect(closed).toHaveBeenCalledWith({ code: 4400, reason: "Invalid request" });
    let times = 0;
    const other = connect(async () => {
      if (times++ === 0) throw new Error("oops");
      return "game-9";
    });
    const errors: unknown[] = [];
    other.on("error", (error) => errors.push(error));
    expect((await nextSocket()).url.pathname).toBe("/parties/main/game-9");
    expect(errors).toMatchObject([{ code: "room_failed", message: "room() failed: oops" }]);
    other.close();
  });
});
