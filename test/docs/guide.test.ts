import { describe, expect, it, vi } from "vitest";
import { createRooms, defineRoom, requireSession, signal, sync } from "../../src/index.ts";
import { testRoom as kitRoom } from "../../src/testing/index.ts";
import { TestClient, testRoom, token } from "../support/harness.ts";
import login from "./extracted/guide-auth.ts";
import provider from "./extracted/guide-auth-provider.ts";
import { mine } from "./extracted/guide-evolution.ts";
import { casino } from "./extracted/casino.ts";
import { chat } from "./extracted/guide-intercept.ts";
import { auction } from "./extracted/guide-later.ts";
import { quiz } from "./extracted/guide-lifecycle.ts";
import { chess } from "./extracted/guide-manual.ts";
import { members } from "./extracted/guide-own-tokens.ts";
import ownApp from "./extracted/mounted-app.ts";
import { house, priceOf, spentBy } from "./extracted/house.ts";
import { follow, priceIn, whereOf } from "./extracted/house-client.ts";
import { party } from "./extracted/party.ts";
import ownRoute from "./extracted/guide-own-route.ts";
import { shop } from "./extracted/guide-requests.ts";
import moved, { game, RoomObject } from "./extracted/moved-game.ts";
import levels, { dungeon } from "./extracted/guide-transfer.ts";
import { arena } from "./extracted/guide-references.ts";
import { cave } from "./extracted/guide-variants.ts";
import { island } from "./extracted/guide-crowd.ts";
import { sea } from "./extracted/guide-codecs.ts";
import { cursors } from "./extracted/guide-slow.ts";
import { sealed } from "./extracted/guide-visibility.ts";
import { serviceOf } from "./service.ts";

describe("guide", () => {
  it("guards", async () => {
    const room = testRoom(casino, "casino-1");
    expect((await (await room.open()).closed).code).toBe(4403);
    const child = await room.connect({ token: await token({ age: 7 }) });
    const boss = await room.connect({ token: await token({ age: 70, role: "admin" }) });
    expect((await child.call("bet")).value["code"]).toBe("forbidden");
    expect((await child.call("empty")).value["code"]).toBe("forbidden");
    expect((await boss.call("bet")).type).toBe("ack");
    const path = `/pot?token=${await token({})}`;
    expect((await room.fetch("/pot")).status).toBe(403);
    expect((await room.fetch(path)).status).toBe(418);
    expect(await (await room.fetch(path, { headers: { "x-secret": "xyzzy" } })).json()).toEqual({ pot: 1 });
    expect((await boss.call("empty")).type).toBe("ack");
  });

  it("auth: your own tokens reach guards, in a service below a path", async () => {
    const ask = serviceOf(ownApp, [members]);
    expect(await (await ask("/")).text()).toBe("My game");
    const join = async (headers: Record<string, string>) => {
      const { webSocket } = await ask("/game/parties/main/members-1", {
        headers: { upgrade: "websocket", ...headers },
      });
      return new TestClient(webSocket as WebSocket);
    };
    expect((await (await join({ authorization: "Bearer member of members-2" })).closed).code).toBe(4403);
    const client = await join({ authorization: "Bearer member of members-1" });
    expect((await client.until(({ type }) => type === "sync")).value).toMatchObject({ notice: "" });
    client.close();
  });

  it("state: a bullet has its owner, until the owner has left", async () => {
    const { room, server, createClient } = await kitRoom(arena);
    const [ann, bob] = [await createClient(), await createClient()];
    await ann.call("shoot");
    expect(bob.state).toMatchObject({ bullets: { [ann.publicId]: { owner: ann.publicId, next: null } } });
    await server.evict();
    await ann.call("hit");
    expect(bob.state).toMatchObject({ players: { [ann.publicId]: { score: 1 } } });
    ann.close();
    await server.advance(3_600_000);
    expect(room.state.players()[ann.publicId]).toBeUndefined();
    expect(bob.state).toMatchObject({ bullets: { [ann.publicId]: { owner: null } } });
  });

  it("state: a boss is still a boss after the room hibernated", async () => {
    const { room, server, createClient } = await kitRoom(cave);
    const client = await createClient();
    await client.call("wake");
    await room.change((state) => {
      const boss = state.monsters()["b1"];
      if (boss && "armour" in boss) boss.armour.set(2);
    });
    expect(client.state).toEqual({ monsters: { b1: { type: "boss", hp: 100, armour: 2 } } });
    await server.evict();
    expect(await client.call("attack")).toEqual([10]);
    expect((await createClient()).state).toEqual(client.state);
  });

  it("guards: requireSession on a room accepts clients and refuses HTTP requests", async () => {
    const closed = defineRoom({
      path: "c",
      guards: [requireSession],
      state: () => ({ a: sync(signal(0)) }),
      actions: { ping: { run: () => "pong" } },
      requests: { "GET /a": { run: ({ state }) => state.a() } },
    });
    const room = testRoom(closed, "c");
    const client = await room.connect();
    expect((await client.call("ping")).value["result"]).toBe("pong");
    expect((await room.fetch("/a")).status).toBe(403);
  });

  it("a game that was ported from PartyServer or Colyseus", async () => {
    const { createClient, expectConverged } = await kitRoom(game);
    const [ada, bob] = [await createClient(), await createClient()];
    await ada.call("move", { x: 1, y: 2 });
    await expectConverged();
    expect(bob.state["players"]).toMatchObject({ [ada.publicId]: { x: 1, y: 2 } });
    expect(RoomObject.name).toBe("RoomObject");
    // The room handles no requests, and there is no other party.
    const answer = async (path: string) => (await serviceOf(moved, [game])(path)).json();
    expect(await answer("/parties/game/any")).toEqual({ error: expect.any(String) });
    expect(await answer("/parties/main/any")).toMatchObject({ code: "not_found" });
  });

  it("visibility", async () => {
    const { createClient, expectConverged } = await kitRoom(sealed);
    const [ada, bob] = [await createClient(), await createClient()];
    await ada.call("bid", 7);
    const seen = (publicId = "") => (bob.state["bidders"] as Record<string, object>)[publicId];
    expect(seen(ada.publicId)).toEqual({ name: "" });
    expect(seen(bob.publicId)).toEqual({ name: "", notes: [], bid: 0 });
    await ada.call("end");
    await expectConverged();
    expect(seen(ada.publicId)).toEqual({ name: "", bid: 7 });
  });

  it("crowds", async () => {
    const { createClient, expectConverged } = await kitRoom(island);
    const [ada, bob] = [await createClient(), await createClient()];
    const seenBy = (client: typeof ada) => Object.keys(client.state["players"] ?? {}).length;
    await ada.call("move", { x: 50, y: 0 });
    expect([seenBy(ada), seenBy(bob)]).toEqual([2, 2]);
    await ada.call("move", { x: 500, y: 0 });
    await expectConverged();
    expect([seenBy(ada), seenBy(bob)]).toEqual([1, 1]);
  });

  it("codecs", async () => {
    const { createClient, room } = await kitRoom(sea);
    const client = await createClient();
    await client.call("launch");
    await client.call("sail", 12.345);
    const x = room.state.ships()["s1"]?.x() ?? 0;
    expect(x).not.toBe(12.345);
    expect(x).toBeCloseTo(12.345, 2);
    expect(client.state.ships["s1"]?.x).toBe(x);
  });

  it("auth: the token of a login opens the room, and tokens of a provider are not made with a secret", async () => {
    const ask = serviceOf(login, [casino]);
    expect((await ask("/parties/main/casino-1/pot")).status).toBe(403);
    const made = await ask("/login", { method: "POST", body: '{"name":"ada"}' });
    const headers = { authorization: `Bearer ${(await made.json<{ token: string }>()).token}`, "x-secret": "xyzzy" };
    expect(await (await ask("/parties/main/casino-1/pot", { headers })).json()).toEqual({ pot: 0 });
    expect((await serviceOf(provider, [casino])("/parties/main/casino-1/pot", { headers })).status).toBe(401);
  });

  it("sync: a cursor reaches the others", async () => {
    const { createClient } = await kitRoom(cursors);
    const [ada, bob] = [await createClient(), await createClient()];
    await ada.call("point", { x: 1, y: 2 });
    await vi.waitFor(() => expect(bob.packets).toContainEqual({ type: "cursor", value: { x: 1, y: 2 } }));
  });

  it("requests", async () => {
    const room = testRoom(shop, "shop-1");
    const put = (body: unknown) => room.fetch("/stock", { method: "POST", body: JSON.stringify(body) });
    expect(await (await room.fetch("/stock/all")).json()).toEqual({ apple: 3 });
    expect(await (await room.fetch("/stock/apple")).json()).toBe(3);
    const missing = await room.fetch("/stock/pear?by=ada");
    expect([missing.status, missing.headers.get("x-asked-by")]).toEqual([404, "ada"]);
    const made = await put({ item: "pear", count: 2 });
    expect([made.status, await made.json()]).toEqual([201, { delivered: expect.any(Number) }]);
    expect(await (await room.fetch("/stock/pear")).json()).toBe(2);
    expect(await (await put({ item: "pear", count: -2 })).json()).toEqual({
      error: "The count has to be 0 or more",
      code: "invalid_input",
    });
    const hostile = await put({ item: "__proto__", count: 1 });
    expect([hostile.status, await hostile.json()]).toMatchObject([400, { error: expect.stringContaining("stock") }]);
    const preflight = await room.fetch("/stock", { method: "OPTIONS" });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
  });

  it("requests: a route of the Worker asks a room", async () => {
    const ask = serviceOf(ownRoute, [shop]);
    expect(await (await ask("/apples/9")).json()).toBe(3);
    expect((await ask(`/apples/${"9".repeat(600)}`)).status).toBe(404);
  });

  it("requests: a fallback, and OPTIONS without CORS", async () => {
    const wild = defineRoom({
      path: "wild-{id}",
      state: () => ({ count: sync(signal(0)) }),
      requests: {
        "GET /known": { run: () => "known" },
        "GET /*": { run: () => "anything" },
        "OPTIONS /known": { run: ({ res }) => res.header("allow", "GET").success() },
      },
    });
    const ask = serviceOf(createRooms({ rooms: [wild], cors: false }).app, [wild]);
    expect(await (await ask("/parties/main/wild-1/known")).text()).toBe("known");
    expect(await (await ask("/parties/main/wild-1/else/where")).text()).toBe("anything");
    const options = await ask("/parties/main/wild-1/known", { method: "OPTIONS" });
    expect([options.status, options.headers.get("allow")]).toEqual([200, "GET"]);
  });

  it("manual sync", async () => {
    const { createClient } = await kitRoom(chess);
    const ada = await createClient();
    expect(ada.state).toEqual({});
    expect(await ada.call("move", "e4")).toBe(true);
    expect(ada.state).toEqual({});
    await ada.send({ action: "endTurn" });
    expect(ada.state).toEqual({ moves: ["e4"] });
    await ada.send({ action: "live", value: true });
    await ada.send({ action: "move", value: "e5" });
    expect(ada.state).toEqual({ moves: ["e4", "e5"] });
  });

  it("interceptor and rate limit", async () => {
    const { createClient } = await kitRoom(chat);
    const [ada, bob, eve] = [await createClient(), await createClient(), await createClient()];
    await ada.send({ action: "mute", value: eve.publicId });
    await bob.send({ action: "say", value: "hello" });
    await eve.send({ action: "say", value: "psst" });
    const heard = (client: typeof ada) =>
      client.packets.filter(({ type }) => type === "said").map(({ value }) => value);
    expect(heard(ada)).toEqual([{ by: bob.publicId, text: "hello", isMine: false }]);
    expect(heard(bob)).toEqual([
      { by: bob.publicId, text: "hello", isMine: true },
      { by: eve.publicId, text: "psst", isMine: false },
    ]);
    const flood = await testRoom(chat, "chat-flood").connect();
    for (let index = 0; index < 50; index++) flood.send({ action: "say", value: "!" });
    expect((await flood.closed).code).toBe(4429);
  });

  it("lifecycle", async () => {
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => Response.json(["Who?"]));
    const said = vi.spyOn(console, "log").mockImplementation(() => {});
    const { createClient, room } = await kitRoom(quiz);
    expect(room.state.questions()).toEqual(["Who?"]);
    const ada = await createClient();
    const bob = await createClient({ query: { protocol: "2" } });
    void bob.send({ action: "leaveForGood" });
    await vi.waitFor(() => expect(said.mock.calls).toEqual([["removed with 0 points"], [bob.publicId, 0, "removal"]]));
    void ada.send({ action: "finish" });
    expect(await ada.closed).toEqual({ code: 4410, reason: "The quiz is over" });
    expect(said).toHaveBeenLastCalledWith(ada.publicId, 0, "destruction");
    vi.restoreAllMocks();
  });

  it("schedules", async () => {
    const { createClient, room, server } = await kitRoom(auction);
    const ada = await createClient();
    await ada.call("bid", 5);
    await server.advance(50_000);
    await ada.call("bid", 6);
    expect(await ada.call("pending")).toEqual([{ name: "end", at: expect.any(Number), payload: { price: 6 } }]);
    await server.advance(2000); // the price is stored
    await server.crash();
    await server.advance(50_000);
    expect(room.state.isOver()).toBe(false);
    await server.advance(8001);
    expect(room.state.isOver()).toBe(true);
    const bob = await createClient();
    await bob.call("bid", 7);
    await bob.call("cancel");
    expect(await bob.call("pending")).toEqual([]);
  });

  it("events", async () => {
    const { createClient } = await kitRoom(party);
    const [ada, bob] = [await createClient(), await createClient()];
    await ada.call("cheer");
    const heard = (client: typeof ada) => client.packets.filter(({ type }) => type !== "sync" && type !== "ack");
    expect(heard(ada)).toEqual([{ type: "bell" }]);
    expect(heard(bob)).toEqual([{ type: "cheered", value: { by: ada.publicId, at: expect.any(String) } }]);
  });

  it("types", async () => {
    const { createClient, room, server } = await kitRoom(house);
    const ada = await createClient();
    const answer = await ada.call("bid");
    expect(answer).toEqual({ where: expect.stringContaining("/house-test"), page: 1 });
    expect(whereOf(answer)).toBe(answer.where);
    expect(priceIn(ada.state)).toBe(priceOf(room.state));
    expect(Object.values(room.state.bidders()).map(spentBy)).toEqual([10]);
    await server.advance(60_001);
    const sold = { type: "sold", value: { to: ada.publicId, price: 10 } };
    expect(ada.packets.at(-1)).toEqual(sold);
    const shown: string[] = [];
    const on = (_: string, listener: (value: object) => void) => listener(sold.value);
    follow({ on } as never, (text) => shown.push(text));
    expect(shown).toEqual([`${ada.publicId}: 10`]);
  });

  it("transfer", async () => {
    const room = testRoom(dungeon, "level-1");
    const client = await room.connect();
    await client.call("loot");
    const { transferToken } = (await client.call("descend", "level-2")).value["result"] as { transferToken: string };
    expect(transferToken).toHaveLength(43);
    const there = await room.sibling("level-2").connect({ query: `transferToken=${transferToken}` });
    expect(there.state).toEqual({ heroes: { [client.publicId]: { gold: 11, online: true } } });
    expect((await client.call("loot")).value["code"]).toBe("forbidden");
    expect((await there.call("descend", "cellar")).value["code"]).toBe("not_found");
    expect(await (await serviceOf(levels, [dungeon])("/parties/main/level-7/open")).json()).toBe(true);
  });

  it("new versions of a state, and unreadable values", async () => {
    const room = testRoom(mine, "mine-1");
    await room.inside((_state, _core, ctx) => {
      for (const [key, value] of Object.entries({
        ".": { title: "Old mine" },
        shifts: "early,late",
        "miners.m1": { coins: 3 },
      })) {
        ctx.storage.kv.put(key, value);
      }
    });
    await room.crash();
    const admin = await room.connect({ token: await token({ role: "admin" }) });
    expect(admin.state).toMatchObject({ name: "Old mine", miners: { m1: { gold: 30 } } });
    expect((await admin.call("quarantined")).value["result"]).toMatchObject([{ key: "shifts", value: "early,late" }]);
    await admin.call("restoreShifts");
    await admin.sees((state: { shifts?: unknown[] }) => state.shifts?.length === 2);
    expect((await admin.call("quarantined")).value["result"]).toEqual([]);
  });
});
