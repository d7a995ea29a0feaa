import { signal } from "@signe/reactive";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app/app.ts";
import { createDirectory } from "../../src/app/directory.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { createLog } from "../../src/platform/log.ts";
import type { LogEntry } from "../../src/platform/ports.ts";
import { users } from "../../src/app/users.ts";
import { sync } from "../../src/state/fields.ts";
import { shared } from "../../src/testing/registry.ts";
import { FaultyRoom, QUOTA } from "../support/faults.ts";
import { testRoom } from "../support/harness.ts";
import { TestWorld } from "../world/support.ts";

const MINUTES = String(600);
const TOO_MUCH = { code: 1013, reason: "The service has reached its quota. Try again later" };

class Player {
  score = sync(signal(0));
}
const makeState = () => ({ players: users(Player), notes: sync(signal<string[]>([])) });
const define = (migrate?: () => never) =>
  defineRoom({
    path: "quota-{id}",
    throttleStorage: 0,
    ...(migrate && { version: 2, migrate: { 2: migrate } }),
    state: makeState,
    actions: { score: { run: ({ user }) => user.score.update((score) => score + 1) } },
    requests: {
      "GET /notes": { run: ({ state }) => state.notes() },
      "POST /keep": { run: ({ room }) => room.storage.put("kept", 1) },
    },
  });

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("an object that the platform no longer calls", () => {
  const lines: LogEntry[] = [];
  const { find } = createDirectory({ rooms: [define()] });
  const log = createLog((entry) => lines.push(entry));
  const app = createApp({ find, verify: undefined, cors: false, log });
  const fail = () => Promise.reject(new Error("Exceeded allowed duration in Durable Objects free tier."));
  const env = { ROOMS: { idFromName: (name: string) => name, get: () => ({ fetch: fail }) } };
  const url = "http://rooms.test/parties/main/quota-1";

  it("is answered for with 503, and with the time after which to try again", async () => {
    const answer = await app.request(`${url}/notes`, {}, env);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, MINUTES]);
    expect(await answer.json()).toEqual({ error: TOO_MUCH.reason, code: "over_quota" });
  });

  it("closes sockets so that clients wait for minutes", async () => {
    const { webSocket } = await app.request(url, { headers: { upgrade: "websocket" } }, env);
    const closed = new Promise((resolve) => {
      webSocket?.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
    });
    webSocket?.accept();
    expect(await closed).toEqual(TOO_MUCH);
  });

  it("causes one entry in the log, which names the quota", () => {
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: "error",
      event: "over_quota",
      quota: "duration",
      failed: "request_failed",
      party: "main",
      room: "quota-1",
    });
  });
});

describe("a room that can no longer write", () => {
  async function fullRoom() {
    const room = new FaultyRoom<ReturnType<typeof makeState>>(define().compiled);
    const ada = await room.connect("ada");
    room.faults.storage = room.faults.alarm = Infinity;
    await room.core.message(ada, JSON.stringify({ action: "score", id: 1 }));
    expect(ada.texts.at(-1)).toContain('"ack"');
    return { room, ada };
  }

  it("keeps its clients, and refuses new ones, which wait for minutes", async () => {
    const { room, ada } = await fullRoom();
    const bob = await room.connect("bob");
    expect(bob.closedWith).toEqual(TOO_MUCH);
    room.disconnect(ada);
    const again = await room.connect("ada");
    expect(again.closedWith).toBeUndefined();
    room.faults.end();
    for (let seconds = 0; seconds < 120; seconds++) await room.advance(1000);
    expect((await room.connect("bob")).closedWith).toBeUndefined();
    room.crash();
    expect(Object.values(room.state.players()).map((player) => player.score())).toContain(1);
  });

  it("answers requests that only read, and others with 503, and when to try again", async () => {
    const { room } = await fullRoom();
    const ask = (method: string, path: string) =>
      room.core.request(new Request(`http://rooms.test${path}`, { method }), path, null);
    expect((await ask("GET", "/notes")).status).toBe(200);
    const refused = await ask("POST", "/keep");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, MINUTES]);
    expect(await refused.json()).toMatchObject({ code: "over_quota" });
  });
});

describe("a real room that can no longer be read", () => {
  beforeEach(() => {
    vi.spyOn(console, "error").mockImplementation(() => {});
  });

  it("is answered for with 503, closes sockets with 1013, and continues when it can be read", async () => {
    const room = testRoom(define(), "quota-1");
    const client = await room.connect({ id: "ada", via: "room" });
    await client.call("score");
    client.close();
    await client.closed;
    const unreadable = define(() => {
      throw new Error("Exceeded allowed rows read in Durable Objects free tier.");
    });
    shared().rooms.set(room.party, unreadable);
    await room.crash();
    const answer = await room.fetch("/notes");
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, MINUTES]);
    expect(await answer.json()).toEqual({ error: TOO_MUCH.reason, code: "over_quota" });
    expect(await (await room.open({ id: "ada", via: "room" })).closed).toEqual(TOO_MUCH);
    shared().rooms.set(room.party, define());
    await room.crash();
    const again = await room.connect({ id: "ada", via: "room" });
    expect(Object.values((again.state as { players: object }).players)).toMatchObject([{ score: 1 }]);
  });
});

describe("a World whose shards can no longer be called", () => {
  it("answers 503, and when to try again", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const world = new TestWorld();
    world.host.onCall = () => {
      throw new Error("Exceeded allowed volume of requests in Durable Objects free tier.");
    };
    const { status, headers, body } = await world.connect("game-1");
    expect([status, headers.get("retry-after"), body["code"]]).toEqual([503, MINUTES, "over_quota"]);
  });
});

describe("the log, while a quota is used up", () => {
  it("has one entry in ten minutes for each quota, and all other entries", () => {
    vi.useFakeTimers();
    const lines: LogEntry[] = [];
    const log = createLog((entry) => lines.push(entry));
    const entry = { level: "error", event: "save_failed", room: "a" } as const;
    for (let times = 0; times < 50; times++) {
      log({ ...entry, error: `Error: ${QUOTA}\n    at save` });
      log({ ...entry, error: "Error: Exceeded allowed duration in Durable Objects free tier." });
      log({ ...entry, error: "Error: disk full" });
    }
    const quotas = () => lines.flatMap(({ quota }) => quota ?? []);
    expect(quotas()).toEqual(["rows written", "duration"]);
    expect(lines).toHaveLength(52);
    vi.advanceTimersByTime(600_001);
    log({ ...entry, error: QUOTA });
    expect(quotas()).toEqual(["rows written", "duration", "rows written"]);
  });
});
