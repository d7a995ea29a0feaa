import { exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { costPerHour } from "../../src/platform/cost.ts";
import { sum, zero } from "../../src/platform/counts.ts";
import type { Counts } from "../../src/platform/counts.ts";
import type { ObjectMetrics, RoomMetrics, ShardMetrics } from "../../src/platform/metrics.ts";
import { sync } from "../../src/state/fields.ts";
import { shared } from "../../src/testing/registry.ts";
import { MOST_ASKED } from "../../src/world/metrics.ts";
import type { WorldMetrics } from "../../src/world/metrics.ts";
import { CONTENT_TYPE, exposition } from "../../src/world/prometheus.ts";
import { TestClient, operatorToken } from "../support/harness.ts";
import { operator, player, TestWorld, WORLD_ID } from "./support.ts";

const counts = (some: Partial<Counts> = {}): Counts => ({ ...zero(), ...some });
function object(room: string, totals: Counts = counts()): ObjectMetrics {
  const cost = { now: costPerHour(totals, 60_000), average: costPerHour(totals, 3_600_000) };
  const runtime = { deploy: null, missing: [] };
  const times = { at: 2, wokeAt: 1, countedSince: 1, wokenBy: "message" } as const;
  return {
    party: "main",
    room,
    connections: 1,
    awake: [],
    sinceWake: counts(),
    totals,
    cost,
    errors: [],
    runtime,
    ...times,
  };
}

/** A sample of a page: its labels and its value. */
interface Sample {
  readonly labels: Record<string, string>;
  readonly value: number;
}
interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

/** Parses the text format, version 0.0.4, and fails if something is not valid. */
function parse(text: string): Map<string, Family> {
  expect(text.endsWith("\n")).toBe(true);
  const families = new Map<string, Family>();
  let current = "";
  let help: [string, string] | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") help = [name, rest];
    else if (kind === "TYPE") {
      if (families.has(name) || help?.[0] !== name) throw new Error(`${name} is there twice, or without help`);
      if (!["counter", "gauge"].includes(rest)) throw new Error(line);
      families.set((current = name), { type: rest, help: help[1], samples: [] });
    } else (families.get(current) ?? fail(line)).samples.push(sampleOf(line, current));
  }
  return families;
}

function fail(line: string): never {
  throw new Error(`not of the format: ${line}`);
}

function sampleOf(line: string, family: string): Sample {
  const [, name, inside = "", value] =
    /^([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\} (\S+)$/.exec(line) ?? fail(line);
  if (name !== family || !Number.isFinite(Number(value))) fail(line);
  const labels: Record<string, string> = {};
  for (const [, label = "", encoded = ""] of inside.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    if (label in labels) fail(line);
    labels[label] = encoded.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
  }
  return { labels, value: Number(value) };
}

describe("P11.4: the text format of Prometheus", () => {
  const page = (metrics: Partial<WorldMetrics>): WorldMetrics => ({
    world: "w",
    known: { rooms: 0, shards: 0, connections: 0 },
    rooms: [],
    shards: [],
    silent: [],
    unasked: 0,
    totals: counts(),
    costPerHour: 0,
    ...metrics,
  });

  it("has every counter, with help and a type, by room and shard", () => {
    const room: RoomMetrics = {
      ...object(
        "game-1",
        counts({
          messages: 3,
          bytesIn: 40,
          awakeMs: 1500,
          rowsWritten: 2,
          wakes: { alarm: 4 },
          errors: { internal: 5 },
        }),
      ),
      users: 2,
      sessions: 6,
      behind: 1,
      unconfirmedBytes: 64_000,
      merges: 8,
      tooSlow: 9,
      awake: [{ why: "tick", since: 1, count: 1 }],
    };
    const shard: ShardMetrics = { ...object("game-1", counts({ messages: 7, relayed: 6 })), shard: "s-1" };
    const families = parse(exposition(page({ rooms: [room], shards: [shard], silent: ["x"] })));
    const valuesOf = (name: string) => families.get(`durable_rooms_${name}`)?.samples;
    const ofRoom = { world: "w", party: "main", room: "game-1" };
    const ofShard = { ...ofRoom, shard: "s-1" };
    expect(valuesOf("messages_total")).toEqual([
      { labels: ofRoom, value: 3 },
      { labels: ofShard, value: 7 },
    ]);
    expect(valuesOf("relayed_total")?.map(({ value }) => value)).toEqual([0, 6]);
    expect(valuesOf("bytes_in_total")?.[0]?.value).toBe(40);
    expect(valuesOf("rows_written_total")?.[0]?.value).toBe(2);
    expect(valuesOf("awake_seconds_total")?.[0]?.value).toBe(1.5);
    expect(valuesOf("wakes_total")).toEqual([{ labels: { ...ofRoom, by: "alarm" }, value: 4 }]);
    expect(valuesOf("errors_total")).toEqual([{ labels: { ...ofRoom, by: "internal" }, value: 5 }]);
    expect(valuesOf("awake")).toEqual([{ labels: { ...ofRoom, by: "tick" }, value: 1 }]);
    expect(valuesOf("users")).toEqual([{ labels: ofRoom, value: 2 }]);
    expect(valuesOf("sessions")).toEqual([{ labels: ofRoom, value: 6 }]);
    // P14: clients that do not read.
    expect(valuesOf("behind")).toEqual([{ labels: ofRoom, value: 1 }]);
    expect(valuesOf("unconfirmed_bytes")).toEqual([{ labels: ofRoom, value: 64_000 }]);
    expect(valuesOf("merges_total")).toEqual([{ labels: ofRoom, value: 8 }]);
    expect(valuesOf("too_slow_total")).toEqual([{ labels: ofRoom, value: 9 }]);
    expect(valuesOf("dollars_per_hour")?.[0]?.value).toBe(room.cost.average.total);
    expect(valuesOf("world_silent")).toEqual([{ labels: { world: "w" }, value: 1 }]);
    for (const [name, { type, help }] of families) {
      expect(type, name).toBe(name.endsWith("_total") ? "counter" : "gauge");
      expect(help).not.toBe("");
    }
    for (const key of Object.keys(zero()).filter((name) => name !== "awakeMs")) {
      expect(
        families.has(`durable_rooms_${key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`)}_total`),
        key,
      ).toBe(true);
    }
  });

  it("keeps any label unchanged", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.string({ unit: fc.constantFrom("\\", '"', "\n", "n", "{", "}", ",", "=") }),
        (world, room) => {
          const families = parse(exposition(page({ world, rooms: [object(room)] })));
          expect(families.get("durable_rooms_messages_total")?.samples[0]?.labels).toEqual({
            world,
            party: "main",
            room,
          });
        },
      ),
    );
  });
});

describe("P11.4: GET metrics of a World", () => {
  const ask = async (world: TestWorld, ask: object = { auth: operator }) =>
    (await world.ask("GET /metrics", undefined, ask)) as unknown as { status: number; body: WorldMetrics };

  async function populate(world: TestWorld, connections: readonly number[]): Promise<string[]> {
    const ids: string[] = [];
    for (const [index, count] of connections.entries()) {
      const shardId = await world.enter(`game-${index}`);
      await world.report(shardId, count);
      ids.push(shardId);
    }
    return ids;
  }

  it("adds up the answers of objects with clients, and wakes no others", async () => {
    const world = new TestWorld();
    const [first, , third] = await populate(world, [2, 0, 5]);
    const asked: string[] = [];
    world.observatory = {
      room: async ({ roomId: id }) => (asked.push(id), object(id, counts({ messages: 1, errors: { internal: 1 } }))),
      shard: async (id) => (
        asked.push(id),
        { ...object("game", counts({ messages: 10, errors: { internal: 2 } })), shard: id }
      ),
    };
    const { status, body } = await ask(world);
    expect(status).toBe(200);
    expect(asked).toEqual(["game-2", third, "game-0", first]);
    expect(body).toMatchObject({
      world: WORLD_ID,
      known: { rooms: 3, shards: 3, connections: 7 },
      totals: { messages: 22, errors: { internal: 6 } },
      silent: [],
      unasked: 0,
    });
    expect(body.rooms.map(({ room }) => room)).toEqual(["game-2", "game-0"]);
    expect(body.shards.map(({ shard }) => shard)).toEqual([third, first]);
    expect(body.rooms[0]).not.toHaveProperty("errors");
    const average = costPerHour(counts({ messages: 22 }), 3_600_000).total;
    expect(body.costPerHour).toBeCloseTo(average, 12);
  });

  it("asks listed rooms too, if they have users", async () => {
    const world = new TestWorld();
    const list = (party: string, roomId: string, users: number) =>
      world.ask(
        "POST /update-listing",
        {
          party,
          roomId,
          report: { party, roomId, path: "game-{id}", metadata: "{}", locked: false, users, maxUsers: null },
        },
        { auth: operator },
      );
    expect((await list("duels", "game-7", 2)).status).toBe(200);
    await list("duels", "game-8", 0);
    await list("main", "game-0", 3);
    await populate(world, [1]);
    const asked: string[] = [];
    world.observatory = {
      room: async ({ party, roomId }) => (asked.push(`${party}/${roomId}`), object(roomId)),
      shard: async (id) => ({ ...object("game"), shard: id }),
    };
    await ask(world);
    expect(asked.toSorted()).toEqual(["duels/game-7", "main/game-0"]);
  });

  it("is answered without objects that do not answer, which are named", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const world = new TestWorld();
    const [first, second] = await populate(world, [1, 1]);
    world.observatory = {
      room: async ({ roomId }) => object(roomId),
      shard: async (id) => {
        if (id === first) throw new Error("The object is gone");
        return { ...object("game"), shard: id };
      },
    };
    const { body } = await ask(world);
    expect(body.silent).toEqual([first]);
    expect(body.shards.map(({ shard }) => shard)).toEqual([second]);
    const line = JSON.parse(error.mock.calls[0]?.[0] as string) as object;
    error.mockRestore();
    expect(line).toMatchObject({ event: "metrics_failed", party: "world", room: WORLD_ID, object: first });
  });

  it("does not wait long for an object", async () => {
    const later = globalThis.setTimeout;
    const timer = vi
      .spyOn(globalThis, "setTimeout")
      .mockImplementation(((run: () => void, ms: number) => later(run, ms === 5000 ? 1 : ms)) as never);
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const world = new TestWorld();
    const [first] = await populate(world, [1]);
    world.observatory = { room: async ({ roomId }) => object(roomId), shard: () => new Promise(() => {}) };
    expect((await ask(world)).body.silent).toEqual([first]);
    error.mockRestore();
    timer.mockRestore();
  });

  it("asks a limited number, the fullest first, a few at a time", async () => {
    const world = new TestWorld({ connectRate: { requests: 1_000_000, per: 1000 } });
    await populate(
      world,
      Array.from({ length: 300 }, (_, index) => index + 1),
    );
    let [asked, now, most] = [0, 0, 0];
    const busy = async <T>(answer: T): Promise<T> => {
      asked++;
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      return answer;
    };
    world.observatory = {
      room: ({ roomId }) => busy(object(roomId)),
      shard: (id) => busy({ ...object("game"), shard: id }),
    };
    const { body } = await ask(world);
    expect([asked, body.unasked, most]).toEqual([MOST_ASKED, 600 - MOST_ASKED, 20]);
    const names = (from: number) => new Set(Array.from({ length: 300 - from }, (_, index) => `game-${index + from}`));
    expect(new Set(body.rooms.map(({ room }) => room))).toEqual(names(50));
    expect(body.shards).toHaveLength(250);
  });

  it("is for operators only", async () => {
    const world = new TestWorld();
    expect((await ask(world, {})).status).toBe(401);
    expect((await ask(world, { auth: player })).status).toBe(403);
    expect((await ask(world, { auth: { rooms: "*" } })).status).toBe(403);
  });
});

describe("P11.4: a World, a room and a shard, as real objects", () => {
  const game = defineRoom({
    path: "game-{id}",
    state: () => ({ count: sync(signal(0)) }),
    actions: { count: { run: ({ state }) => state.count.update((count) => count + 1) } },
  });
  const ORIGIN = "http://rooms.test";
  beforeEach(() => void shared().rooms.set("main", game));
  afterEach(() => void vi.restoreAllMocks());

  it("the page has what the client sent, by room and shard", async () => {
    const WORLD = `${ORIGIN}/parties/world/${crypto.randomUUID()}`;
    const roomId = `game-${crypto.randomUUID()}`;
    const post = (route: string, body: object, headers = {}) =>
      exports.default.fetch(`${WORLD}/${route}`, { method: "POST", body: JSON.stringify(body), headers });
    const { shardId } = await (await post("connect", { roomId })).json<{ shardId: string }>();
    const response = await exports.default.fetch(`${ORIGIN}/parties/shard/${shardId}`, {
      headers: { upgrade: "websocket" },
    });
    const client = new TestClient(response.webSocket as WebSocket);
    await client.call("count");
    await client.call("count");
    const authorization = `Bearer ${await operatorToken({ worlds: ["*"] })}`;
    const ask = (path: string, accept: string) =>
      exports.default.fetch(`${WORLD}/${path}`, { headers: { authorization, accept } });
    await post("update-shard", { shardId, connections: 1 }, { authorization });
    const scraper = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const pages = [await ask("metrics", scraper), await ask("metrics?format=prometheus", "*/*")];
    for (const page of pages) {
      expect(page.headers.get("content-type")).toBe(CONTENT_TYPE);
      const families = parse(await page.text());
      const messages = families.get("durable_rooms_messages_total")?.samples;
      expect(messages?.map(({ labels, value }) => [labels["room"], labels["shard"], value])).toEqual([
        [roomId, undefined, 0],
        [roomId, shardId, 2],
      ]);
      const [of] = families.get("durable_rooms_connections")?.samples ?? [];
      expect(of?.value).toBe(1);
    }
    const json = await (await ask("metrics", "*/*")).json<WorldMetrics>();
    expect(json.totals.messages).toBe(2);
    expect(json.totals).toEqual([...json.rooms, ...json.shards].map(({ totals }) => totals).reduce(sum, zero()));
    expect((await exports.default.fetch(`${WORLD}/metrics`)).status).toBe(401);
    client.close();
  });
});
