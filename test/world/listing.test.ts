import { describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { LISTING_SILENCE, LISTING_TRUST, RESERVATION_LIFE } from "../../src/world/settings.ts";
import { anything, game, operator, player, TestWorld, vip } from "./support.ts";

const found = (roomId: string) => ({ status: 200, body: { success: true, roomId } });
const NONE = { status: 404, body: { error: "There is no matching room with a free place" } };

describe("P10.2: find-room", () => {
  it("finds the matching room with the most users and a free place", async () => {
    const world = new TestWorld();
    await world.listRoom("game-1", { users: 1, meta: { mode: "duel", map: { name: "moon" } } });
    await world.listRoom("game-2", { users: 3, meta: { mode: "duel" } });
    await world.listRoom("game-3", { users: 4, meta: { mode: "duel" } });
    await world.listRoom("game-4", { users: 3, locked: true, meta: { mode: "duel" } });
    await world.listRoom("game-5", { users: 3, meta: { mode: "ffa" } });
    await world.listRoom("vip-1", { users: 3, meta: { mode: "duel" } });
    expect(await world.find({ filter: { mode: "duel" } })).toMatchObject(found("game-2"));
    expect(await world.find({ filter: { mode: "duel" }, order: "emptiest" })).toMatchObject({
      body: {
        roomId: "game-1",
        metadata: { mode: "duel", map: { name: "moon" } },
        users: 1,
        maxUsers: 4,
        locked: false,
      },
    });
    expect(await world.find({ filter: { mode: "race" } })).toMatchObject(NONE);
  });

  it("prefers the one that is listed longest if they are equally full", async () => {
    const world = new TestWorld();
    for (const id of ["game-2", "game-1", "game-3"]) await world.listRoom(id, { users: 1, maxUsers: 2 });
    for (const id of ["game-2", "game-1", "game-3"]) expect(await world.find()).toMatchObject(found(id));
    expect(await world.find()).toMatchObject(NONE);
  });

  it("keeps the place for 30 seconds, or until the user has joined", async () => {
    const world = new TestWorld();
    await world.listRoom("game-1", { maxUsers: 2 });
    const answers = await Promise.all([world.find(), world.find(), world.find()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404]);
    await world.listRoom("game-1", { maxUsers: 2, users: 1 });
    expect(await world.find()).toMatchObject(NONE);
    await world.room.advance(RESERVATION_LIFE);
    expect(await world.find()).toMatchObject(found("game-1"));
    expect(await world.find()).toMatchObject(NONE);
  });

  it("changes one stored row for a place that it reserves", async () => {
    const world = new TestWorld();
    await world.listRoom("game-1");
    const { writes } = world.room.storage;
    await world.find();
    expect(world.room.storage.writes - writes).toBe(1);
  });

  it("forgets nothing when it hibernates or crashes", async () => {
    const world = new TestWorld();
    await world.listRoom("game-1", { maxUsers: 2, meta: { mode: "duel" } });
    await world.find();
    await world.evict();
    expect(await world.find({ filter: { mode: "duel" } })).toMatchObject(found("game-1"));
    world.crash();
    expect(await world.find()).toMatchObject(NONE);
    expect(await world.listed()).toEqual(["game-1"]);
  });

  it("finds rooms without a limit, and those of another party only on request", async () => {
    const world = new TestWorld();
    await world.listRoom("game-1", { users: 500, maxUsers: null });
    expect(await world.find()).toMatchObject(found("game-1"));
    expect(await world.find({ party: "lobby" })).toMatchObject({ status: 404, body: { code: "not_found" } });
  });
});

describe("P10.3: a filter", () => {
  const cases: [filter: object, fits: boolean][] = [
    [{}, true],
    [{ mode: "duel" }, true],
    [{ mode: "Duel" }, false],
    [{ mode: "duel", level: 3, rated: true, host: null }, true],
    [{ level: "3" }, false],
    [{ mode: "duel", level: 4 }, false],
    [{ level: { gt: 2, lt: 4 } }, true],
    [{ level: { gt: 3 } }, false],
    [{ level: { lt: 3 } }, false],
    [{ level: { gte: 3, lte: 3 } }, true],
    [{ level: { gte: 4 } }, false],
    [{ level: { lte: 2 } }, false],
    [{ level: { gte: "3" } }, false],
    [{ mode: { gte: "d", lt: "e" } }, true],
    [{ mode: { in: ["race", "duel"] } }, true],
    [{ mode: { in: ["race"] } }, false],
    [{ mode: { ne: "race" } }, true],
    [{ mode: { ne: "duel" } }, false],
    [{ missing: { ne: "duel" } }, true],
    [{ missing: null }, false],
    [{ missing: { lt: 5 } }, false],
    [{ toString: "x" }, false],
    [{ map: "moon" }, false],
    [{ map: { ne: "moon" } }, true],
  ];
  it.each(cases)("%j matches: %s", async (filter, fits) => {
    const world = new TestWorld();
    await world.listRoom("game-1", {
      meta: { mode: "duel", level: 3, rated: true, host: null, map: { name: "moon" } },
    });
    expect((await world.find({ filter })).status).toBe(fits ? 200 : 404);
  });

  it.each([
    ["a text", { filter: "mode" }],
    ["a list as condition", { filter: { mode: ["duel"] } }],
    ["an unknown comparison", { filter: { mode: { like: "du%" } } }],
    ["a comparison of nothing", { filter: { mode: {} } }],
    ["a bound that has no order", { filter: { level: { gt: true } } }],
    ["a nested condition", { filter: { map: { name: "moon" } } }],
    ["a long list of choices", { filter: { level: { in: Array.from({ length: 33 }, (_, index) => index) } } }],
    ["no choice", { filter: { level: { in: [] } } }],
    ["too many conditions", { filter: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, 1])) }],
    ["a long text", { filter: { mode: "x".repeat(257) } }],
    ["a misspelt name", { filters: { mode: "duel" } }],
    ["an unknown order", { order: "newest" }],
    ["no kind of room", { room: undefined }],
    ["a segment that is no text", { create: { id: 1 } }],
    ["a party that is none", { party: "a/b" }],
  ])("that is %s is refused", async (_, body) => {
    const world = new TestWorld();
    await world.listRoom("game-1", { meta: { mode: "duel" } });
    const answer = await world.find(body);
    expect(answer).toMatchObject({ status: 400, body: { error: "Invalid request", details: expect.any(Array) } });
  });

  it("is explained in the error", async () => {
    for (const condition of [["duel"], {}, { like: "x" }]) {
      const { body } = await new TestWorld().find({ filter: { mode: condition } });
      expect(JSON.stringify(body["details"])).toContain("ne, gt, gte, lt, lte and in");
    }
    expect((await new TestWorld().ask("POST /find-room", '{"room":"game-{id}","filter":{"__proto__":1}}')).status).toBe(
      400,
    );
  });
});

describe("P10.4: a new room", () => {
  const arena = defineRoom({ path: "arena-{mode}-{id}", state: () => ({}) });
  const room = "arena-{mode}-{id}";
  /** A World with rooms that list themselves when they start, with the mode in their id. */
  function withArena(users = 2): TestWorld {
    const world = new TestWorld({ maxRooms: 50 }, [arena, game, vip]);
    world.rooms.onAsk = (roomId) => {
      const [, mode = ""] = roomId.split("-");
      const report = { party: "main", roomId, path: room, metadata: JSON.stringify({ mode }), locked: false };
      world.rooms.reports.set(roomId, { ...report, users: 0, maxUsers: users });
    };
    return world;
  }

  it("is made if none matches, with the given segments, and listed at once", async () => {
    const world = withArena();
    const query = { room, filter: { mode: "blitz" }, create: { mode: "blitz" } };
    const { status, body } = await world.find(query);
    expect([status, body]).toEqual([
      200,
      {
        success: true,
        roomId: expect.stringMatching(/^arena-blitz-[a-z0-9]{12}$/),
        metadata: { mode: "blitz" },
        users: 0,
        maxUsers: 2,
        locked: false,
      },
    ]);
    expect((await world.find(query)).body["roomId"]).toBe(body["roomId"]);
    expect((await world.find(query)).body["roomId"]).not.toBe(body["roomId"]);
  });

  it("is one for users who search at the same time, as far as there are places", async () => {
    const world = withArena(4);
    const query = { room, filter: { mode: "blitz" }, create: { mode: "blitz" } };
    const answers = await Promise.all(Array.from({ length: 10 }, () => world.find(query)));
    const groups = Map.groupBy(answers, ({ body }) => body["roomId"]);
    expect([...groups.values()].map((group) => group.length)).toEqual([4, 4, 2]);
    expect(world.rooms.asked).toHaveLength(3);
  });

  it("is refused if its path cannot have these segments, or it does not list itself with them", async () => {
    const world = withArena();
    const status = async (body: object) => (await world.find({ room, ...body })).status;
    expect(await status({ create: { mode: "a-b" } })).toBe(400);
    expect(await status({ create: { size: "4" } })).toBe(400);
    expect(await status({ create: { toString: "4" } })).toBe(400);
    expect(await world.find({ room: "game-{name}", create: true })).toMatchObject({ body: { code: "not_found" } });
    expect(await status({ create: { mode: "slow" }, filter: { mode: "blitz" } })).toBe(400);
    world.rooms.onAsk = () => {};
    expect(await world.find({ room, create: true, filter: { mode: "blitz" } })).toMatchObject({
      status: 400,
      body: { error: "A new room of this kind is not listed, or does not fit the filter" },
    });
  });

  it("is not made or shown without a token if rooms of its kind need one", async () => {
    const world = withArena();
    await world.listRoom("vip-1", { meta: { secret: "hunter2" } });
    for (const ask of [
      world.find({ room: "vip-{id}", create: true }),
      world.ask("POST /list-rooms", { room: "vip-{id}" }),
    ]) {
      const answer = await ask;
      expect(answer.status).toBe(401);
      expect(JSON.stringify(answer.body)).not.toContain("hunter2");
    }
    expect(await world.find({ room: "vip-{id}" }, { auth: player })).toMatchObject(found("vip-1"));
  });

  it("is 404 if the World's list is full, and 503 if the room does not start", async () => {
    const world = withArena(1);
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const start = world.rooms.onAsk;
    world.rooms.onAsk = () => Promise.reject(new Error("hunter2"));
    const answer = await world.find({ room, create: true });
    expect(answer).toMatchObject({ status: 503, body: { error: "A room could not be started. Try again" } });
    expect(error.mock.calls.flat().join()).toContain("room_start_failed");
    error.mockRestore();
    world.rooms.onAsk = start;
    for (let index = 0; index < 50; index++) expect((await world.find({ room, create: true })).status).toBe(200);
    expect(await world.find({ room, create: true })).toMatchObject({
      status: 404,
      body: { error: expect.stringContaining("is full") },
    });
    expect(await world.listRoom("game-1")).toMatchObject({ status: 503 });
    expect(await world.listRoom((await world.listed({ room }))[0] ?? "", { path: room })).toMatchObject({
      status: 200,
    });
  });
});

describe("P10.5: a room that has not reported for a while", () => {
  it("is asked before a user is sent there", async () => {
    const world = new TestWorld();
    await world.listRoom("game-1", { users: 1 });
    await world.room.advance(LISTING_TRUST - 1);
    expect(await world.find()).toMatchObject(found("game-1"));
    expect(world.rooms.asked).toEqual([]);
    await world.room.advance(1);
    expect(await world.find()).toMatchObject(found("game-1"));
    expect(await world.find()).toMatchObject(found("game-1"));
    expect(world.rooms.asked).toEqual(["game-1"]);
  });

  it("is removed if it says so, and its answer counts", async () => {
    const world = new TestWorld();
    for (const id of ["game-1", "game-2", "game-3"]) await world.listRoom(id, { users: 2 });
    await world.room.advance(LISTING_TRUST);
    world.rooms.reports.delete("game-1");
    const full = world.rooms.reports.get("game-2");
    if (full) world.rooms.reports.set("game-2", { ...full, users: 4 });
    expect(await world.find()).toMatchObject(found("game-3"));
    expect(await world.listed()).toEqual(["game-3", "game-2"]);
  });

  it("is asked once, however many search for it", async () => {
    const world = new TestWorld();
    await world.listRoom("game-1", { users: 1 });
    await world.room.advance(LISTING_TRUST);
    const gate = Promise.withResolvers<void>();
    world.rooms.onAsk = () => gate.promise;
    const asks = Array.from({ length: 5 }, () => world.find());
    await vi.waitFor(() => expect(world.rooms.asked).toEqual(["game-1"]));
    gate.resolve();
    const answers = await Promise.all(asks);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 404, 404]);
    expect(world.rooms.asked).toEqual(["game-1"]);
  });

  it("is skipped for a while if it does not answer", async () => {
    const world = new TestWorld();
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    await world.listRoom("game-1", { users: 3 });
    await world.listRoom("game-2", { users: 0 });
    await world.room.advance(LISTING_TRUST);
    world.rooms.onAsk = (roomId) => (roomId === "game-1" ? Promise.reject(new Error("away")) : undefined);
    expect(await world.find()).toMatchObject(found("game-2"));
    expect(await world.find()).toMatchObject(found("game-2"));
    expect(world.rooms.asked).toEqual(["game-1", "game-2"]);
    world.rooms.onAsk = () => {};
    await world.room.advance(10_000);
    expect(await world.find()).toMatchObject(found("game-1"));
    error.mockRestore();
  });

  it("is asked once an hour if it has users, and removed when it is empty for long", async () => {
    const world = new TestWorld({ roomIdle: 300_000 });
    await world.listRoom("game-1", { users: 1 });
    await world.listRoom("game-2", { users: 0 });
    await world.listRoom("game-3", { users: 1 });
    await world.room.advance(240_000);
    expect(await world.listed()).toEqual(["game-1", "game-3", "game-2"]);
    await world.room.advance(60_000);
    expect(await world.listed()).toEqual(["game-1", "game-3"]);
    expect(world.rooms.asked).toEqual([]);
    world.rooms.reports.delete("game-1");
    await world.room.advance(LISTING_SILENCE);
    expect(world.rooms.asked).toEqual(["game-1", "game-3"]);
    expect(await world.listed()).toEqual(["game-3"]);
    // The alarm only wakes the World while there are rooms to monitor.
    await world.unlistRoom("game-3");
    await world.room.advance(120_000);
    const { alarmsSet } = world.room;
    await world.room.advance(3_600_000);
    expect(world.room.alarmsSet).toBe(alarmsSet);
  });
});

describe("P10.6: list-rooms", () => {
  it("lists all that match, those with a free place first, and reserves no place", async () => {
    const world = new TestWorld();
    await world.listRoom("game-1", { users: 1 });
    await world.listRoom("game-2", { users: 3 });
    await world.listRoom("game-3", { users: 4 });
    await world.listRoom("game-4", { users: 3, locked: true });
    for (let time = 0; time < 5; time++) expect(await world.listed()).toEqual(["game-2", "game-1", "game-3", "game-4"]);
    expect(await world.listed({ order: "emptiest", limit: 2 })).toEqual(["game-1", "game-2"]);
    const { body } = await world.ask("POST /list-rooms", { room: "game-{id}", limit: 1 });
    const shown = { roomId: "game-2", metadata: {}, users: 3, maxUsers: 4, locked: false };
    expect(body).toEqual({ success: true, rooms: [shown] });
    expect((await world.ask("POST /list-rooms", { room: "game-{id}", limit: 101 })).status).toBe(400);
  });
});

describe("P10.7: a report of a room to a World", () => {
  const report = { path: "game-{id}", metadata: "{}", locked: false, users: 0, maxUsers: null };
  const full = { party: "main", roomId: "game-1", ...report };
  const tell = (world: TestWorld, body: unknown, ask = {}) => world.ask("POST /update-listing", body, ask);

  it("needs the secret, or an operator", async () => {
    const world = new TestWorld();
    const body = { party: "main", roomId: "game-1", report: full };
    expect((await tell(world, body)).status).toBe(401);
    expect((await tell(world, body, { auth: player })).status).toBe(403);
    expect((await tell(world, body, { headers: { "x-access-shard": "guess" } })).status).toBe(403);
    expect(await world.listed()).toEqual([]);
    expect((await tell(world, body, { auth: operator })).status).toBe(200);
    expect(await world.listed()).toEqual(["game-1"]);
    expect((await tell(world, { ...body, report: null }, { auth: operator })).status).toBe(200);
    expect(await world.listed()).toEqual([]);
  });

  it.each([
    ["of another room", { ...full, roomId: "game-2" }],
    ["of another party", { ...full, party: "lobby" }],
    ["with metadata that is no object", { ...full, metadata: "[1]" }],
    ["with metadata that is no JSON", { ...full, metadata: "{" }],
    ["with metadata that holds a reserved key", { ...full, metadata: '{"__proto__":{}}' }],
    ["with too much metadata", { ...full, metadata: JSON.stringify({ x: "x".repeat(2048) }) }],
    ["with half a user", { ...full, users: 0.5 }],
    ["with the mark of a deletion", { ...full, path: "$delete" }],
  ])("%s is refused", async (_, report) => {
    const world = new TestWorld({}, [anything, game]);
    const answer = await tell(world, { party: "main", roomId: "game-1", report }, { auth: operator });
    expect(answer.status).toBe(400);
    expect(Object.keys(world.room.state.listings())).toEqual([]);
  });

  it("is refused by a World that the service does not have", async () => {
    const world = new TestWorld({ ids: ["lobby"] });
    expect(await world.listRoom("game-1")).toMatchObject({ status: 404, body: { error: "There is no such World" } });
  });

  it("is shown to operators who watch, whatever the metadata contains", async () => {
    const world = new TestWorld();
    const socket = await world.listen(operator);
    await world.listRoom("game-1", { users: 1, meta: { toString: "$delete", "a.b": 1, map: {} } });
    const info = { roomId: "game-1", users: 1, metadata: '{"toString":"$delete","a.b":1,"map":{}}' };
    const { listings = {} } = (socket.clients[0]?.state ?? {}) as { listings?: object };
    expect(Object.values(listings)).toMatchObject([{ info }]);
    expect(world.room.log).toEqual([]);
    expect(await world.find({ filter: { toString: "$delete", "a.b": 1 } })).toMatchObject(found("game-1"));
  });
});

describe("P10.8: the rate of searches", () => {
  it("is limited for each address, together with connects", async () => {
    const world = new TestWorld({ connectRate: { requests: 3, per: 3000 } });
    await world.listRoom("game-1");
    const headers = { "cf-connecting-ip": "192.0.2.1" };
    expect((await world.find({}, { headers })).status).toBe(200);
    expect((await world.ask("POST /list-rooms", { room: "game-{id}" }, { headers })).status).toBe(200);
    expect((await world.connect("game-1", { headers })).status).toBe(200);
    const refused = await world.find({}, { headers });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect((await world.ask("POST /list-rooms", { room: "game-{id}" }, { headers })).status).toBe(429);
  });
});
