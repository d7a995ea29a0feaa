import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connectWorld } from "../../src/client/index.ts";
import type { WorldOptions } from "../../src/client/index.ts";
import { scripted } from "./scripted-socket.ts";
import type { scriptedRoom } from "./scripted-socket.ts";

describe("connectWorld, with a scripted World", () => {
  const script = scripted();
  let answers: (Response | Error)[];
  let asked: { url: string; body: unknown; authorization: string | null }[];

  beforeEach(() => {
    answers = [];
    asked = [];
    vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
      const authorization = new Headers(init.headers).get("authorization");
      asked.push({ url, body: JSON.parse(init.body as string), authorization });
      const answer = answers.shift() ?? shard(`s${asked.length}`);
      if (answer instanceof Error) throw answer;
      return answer;
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  const shard = (url: string) => Response.json({ success: true, shardId: url, url });
  const refuse = (status: number, body: object = { error: "No" }, headers: Record<string, string> = {}) =>
    Response.json(body, { status, headers });
  const connect = (options: Partial<WorldOptions> = {}) =>
    connectWorld<typeof scriptedRoom>({ host: "h", room: "a/b", id: "me", socket: script.socket, ...options });
  const errorsOf = (game: ReturnType<typeof connect>) => {
    const errors: unknown[] = [];
    game.on("error", (error) => errors.push(error));
    return errors;
  };

  it("asks with the token, and connects to the shard with the token and the session", async () => {
    answers = [shard("a/b:1")];
    const game = connect({ token: async () => "jwt", worldId: "w 1" });
    const { url } = await script.next();
    expect(asked).toEqual([
      {
        url: "http://h/parties/world/w%201/connect",
        body: { roomId: "a/b", autoCreate: true },
        authorization: "Bearer jwt",
      },
    ]);
    expect(url.href).toBe("ws://h/parties/shard/a%2Fb%3A1?id=me&protocol=2&clear=1&token=jwt&protocol=3");
    game.close();
  });

  it("keeps its shard, and resumes there, until it is gone, full or unreachable", async () => {
    const game = connect();
    const first = (await script.next()).open();
    expect(asked).toMatchObject([{ url: "http://h/parties/world/world-default/connect", authorization: null }]);
    first.sync({ pId: "p", count: 1 }, { seq: 1, epoch: "e" });
    first.drop();
    // A single failure can have any cause. The next one after a success counts as the first again.
    (await script.next()).drop();
    const again = (await script.next()).open();
    expect(again.url.pathname).toBe("/parties/shard/s1");
    expect(again.query).toEqual({ id: "me", clear: "1", protocol: "3", since: "1", epoch: "e" });
    again.sync({}, { seq: 1, resumed: true });
    again.drop();
    (await script.next()).drop();
    const second = await script.next();
    expect(asked).toHaveLength(1);
    // This is the second failure in a row.
    second.drop();
    const other = await script.next();
    expect(other.url.pathname).toBe("/parties/shard/s2");
    expect(other.query).toMatchObject({ id: "me", since: "1", epoch: "e" });
    other.open().drop(4503, "full");
    const third = await script.next();
    expect(third.url.pathname).toBe("/parties/shard/s3");
    third.open().drop(4404);
    expect((await script.next()).url.pathname).toBe("/parties/shard/s4");
    expect(asked).toHaveLength(4);
    expect(game.state.count).toBe(1);
    game.close();
  });

  it("gives up if the World refuses finally", async () => {
    const final = [refuse(400), refuse(401), refuse(403), refuse(404, { error: "No", code: "not_found" })];
    for (const answer of final) {
      answers = [answer];
      const game = connect();
      const errors = errorsOf(game);
      const closed: unknown[] = [];
      game.on("closed", (end) => closed.push(end));
      const call = expect(game.call("set", 1)).rejects.toMatchObject({ code: "closed", message: "No" });
      await vi.advanceTimersByTimeAsync(60_000);
      await call;
      const { status } = answer;
      expect(errors).toMatchObject([{ name: "ConnectError", code: "world_refused", status, message: "No" }]);
      expect(closed).toEqual([{ code: 4000 + status, reason: "No" }]);
      expect(game.status).toBe("closed");
      expect(vi.getTimerCount()).toBe(0);
    }
    expect(asked).toHaveLength(4);
    expect(script.sockets).toHaveLength(0);
  });

  it("tries again with growing delays if the World may answer differently later", async () => {
    answers = [refuse(404), new TypeError("offline"), refuse(500, []), new Response("oops", { status: 200 })];
    const game = connect({ socket: { ...script.socket, minReconnectionDelay: 1000, reconnectionDelayGrowFactor: 2 } });
    const errors = errorsOf(game);
    await vi.advanceTimersByTimeAsync(999);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2500);
    expect(asked).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(4000);
    expect(asked).toHaveLength(4);
    (await script.next(8000)).open().sync({ pId: "p" });
    expect(errors).toMatchObject([
      { code: "world_refused", status: 404 },
      { code: "world_unreachable", message: "The World does not answer: offline" },
      { code: "world_refused", status: 500, message: "The World answered 500" },
      { code: "world_refused", status: 200 },
    ]);
    expect(game.status).toBe("open");
    game.close();
  });

  it("waits as long as the World says", async () => {
    answers = [refuse(429, undefined, { "retry-after": "7" }), refuse(503, undefined, { "retry-after": "9999" })];
    const game = connect();
    await vi.advanceTimersByTimeAsync(6_990);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(20);
    expect(asked).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(59_900);
    expect(asked).toHaveLength(2);
    await script.next(200);
    game.close();
    expect(asked).toHaveLength(3);
  });

  it("waits for minutes if the World has used up a quota", async () => {
    answers = [refuse(503, { error: "Later", code: "over_quota" }, { "retry-after": "600" })];
    const game = connect();
    await vi.advanceTimersByTimeAsync(599_000);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked).toHaveLength(2);
    game.close();
  });

  it("does not ask for a shard after it is closed", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const game = connect({ token: () => promise });
    const errors = errorsOf(game);
    await vi.advanceTimersByTimeAsync(10);
    game.close();
    resolve("late");
    await vi.advanceTimersByTimeAsync(10);
    expect(asked).toEqual([]);
    expect(errors).toEqual([]);
  });
});
