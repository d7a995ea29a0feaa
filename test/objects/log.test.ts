import { runInDurableObject } from "cloudflare:test";
import { signal } from "@signe/reactive";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { createRooms } from "../../src/app/create-rooms.ts";
import { worlds } from "../../src/worlds.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { RoomError } from "../../src/protocol/errors.ts";
import { createLog } from "../../src/platform/log.ts";
import type { Log } from "../../src/platform/log.ts";
import type { LogEntry } from "../../src/platform/ports.ts";
import { traced } from "../../src/room/handlers/trace.ts";
import { sync } from "../../src/state/fields.ts";
import { testRoom, token } from "../support/harness.ts";
import { MemoryRoom, VirtualClock } from "../support/memory.ts";

const SECRET = "a-value-of-the-client";
const definition = defineRoom({
  path: "room-{id}",
  rateLimit: { messages: 10, per: 3_600_000 },
  state: () => ({ count: sync(signal(0)) }),
  actions: {
    count: { input: z.number(), run: ({ state }, by) => state.count.set(by) },
    refuse: {
      run: () => {
        throw new RoomError("forbidden", "no");
      },
    },
    fail: {
      run: () => {
        throw new Error("broken");
      },
    },
    slow: { run: () => new Promise((resolve) => void (resume = () => resolve("done"))) },
    slowFail: { run: () => new Promise((_, reject) => void (resume = () => reject(new Error("late")))) },
  },
  requests: {
    "GET /items/:id": { run: ({ params }) => params.id },
    "GET /broken/:id": {
      run: () => {
        throw new Error("broken");
      },
    },
    "POST /items": { body: z.number(), run: () => "taken" },
    "GET /closed": { guards: [() => false], run: () => "" },
  },
});
let resume: () => void = () => {};

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the log", () => {
  const entry = { level: "warn", event: "something" } as const;

  it("writes one JSON object per line to the console method of its level, from warn", () => {
    const spies = (["debug", "info", "warn", "error"] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation(() => {}),
    );
    const log = createLog();
    for (const level of ["debug", "info", "warn", "error"] as const) log({ level, event: "e", room: 'a\n"b"' });
    expect(spies.map((spy) => spy.mock.calls)).toEqual([
      [],
      [],
      [['{"level":"warn","event":"e","room":"a\\n\\"b\\""}']],
      [['{"level":"error","event":"e","room":"a\\n\\"b\\""}']],
    ]);
    expect(log.isVerbose).toBe(false);
  });

  it.each([
    ["debug", 4],
    ["info", 3],
    ["warn", 2],
    ["error", 1],
  ] as const)("at level %s has %i of the four levels", (level, count) => {
    const lines: LogEntry[] = [];
    const log = createLog((line) => lines.push(line), level);
    for (const each of ["debug", "info", "warn", "error"] as const) log({ ...entry, level: each });
    expect(lines).toHaveLength(count);
    expect(log.isVerbose).toBe(level === "debug");
  });

  it("does no harm if it throws, and reports that", () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const log = createLog(() => {
      throw new Error("full");
    });
    log(entry);
    expect(JSON.parse(error.mock.calls[0]?.[0] as string)).toMatchObject({ level: "error", event: "log_failed" });
  });

  it("is an option of createRooms that is checked", () => {
    const rooms = [definition];
    expect(() => createRooms({ rooms, log: "console" as never })).toThrow("log has to be a function");
    expect(() => createRooms({ rooms, logLevel: "all" as never })).toThrow("debug, info, warn, error");
    const lines: LogEntry[] = [];
    const made = createRooms({ rooms, log: (line) => lines.push(line), logLevel: "error", world: worlds() });
    for (const { prototype } of [made.RoomObject, made.WorldObject, made.ShardObject]) {
      const log = (prototype as unknown as { log(): Log }).log();
      log({ level: "warn", event: "dropped" });
      log({ level: "error", event: "kept" });
    }
    expect(lines.map(({ event }) => event)).toEqual(["kept", "kept", "kept"]);
  });
});

/** Collects all log lines of a room's object. */
async function listen(room: ReturnType<typeof testRoom>): Promise<LogEntry[]> {
  const lines: LogEntry[] = [];
  const log = createLog((line) => lines.push(line), "info");
  await runInDurableObject(room.stub, (instance) => void Object.assign(instance, { log: () => log }));
  return lines;
}

describe("lines of a room", () => {
  it("have the same fields and the code of each refusal, and never a token or a client's value", async () => {
    const room = testRoom(definition);
    const lines = await listen(room);
    const jwt = await token({ sub: SECRET });
    const client = await room.connect({ id: SECRET, token: jwt, via: "room" });
    for (const message of [
      { action: "count", value: SECRET, id: 1 },
      { action: SECRET, value: SECRET },
      { action: "refuse", id: SECRET },
      SECRET,
      { action: "fail", value: SECRET, id: 2 },
    ])
      client.send(message);
    await client.until(({ value }) => value["id"] === 2);
    await room.fetch(`/items/${SECRET}`);
    await room.fetch(`/broken/${SECRET}?token=${jwt}`);
    await room.fetch("/items", { method: "POST", body: JSON.stringify(SECRET) });
    await room.fetch(`/closed?q=${SECRET}`);
    const place = { party: room.party, room: "room-1" };
    const refused = { level: "info", event: "refused", ...place };
    const connection = expect.any(String) as string;
    expect(lines).toEqual([
      { ...refused, code: "invalid_input", action: "count", connection },
      { ...refused, code: "unknown_action", connection },
      { ...refused, code: "forbidden", action: "refuse", connection },
      { ...refused, code: "bad_message", connection },
      {
        level: "error",
        event: "action_failed",
        ...place,
        code: "internal",
        action: "fail",
        connection,
        error: expect.stringContaining("broken"),
      },
      {
        level: "error",
        event: "request_failed",
        ...place,
        code: "internal",
        action: "GET /broken/:id",
        error: expect.stringContaining("broken"),
      },
      { ...refused, code: "invalid_input", action: "POST /items" },
      { ...refused, code: "forbidden", action: "GET /closed" },
    ]);
    const text = JSON.stringify(lines);
    for (const secret of [SECRET, jwt, jwt.split(".")[2] ?? ""]) expect(text).not.toContain(secret);
  });

  it("report what woke the room, and which clients it closed", async () => {
    const room = testRoom(definition);
    const client = await room.connect({ id: "ada", via: "room" });
    await room.evict();
    const lines = await listen(room);
    for (let index = 0; index < 22; index++) client.send({ action: "refuse" });
    expect((await client.closed).code).toBe(4429);
    expect(lines[0]).toEqual({ level: "info", event: "woke", party: room.party, room: "room-1", cause: "message" });
    const codes = lines.slice(1).map(({ code }) => code);
    expect(codes).toEqual([...Array<string>(10).fill("forbidden"), ...Array<string>(10).fill("rate_limited")]);
  });

  it("at level debug report each action and request, with its duration", async () => {
    const lines: LogEntry[] = [];
    const clock = new VirtualClock();
    const room = new MemoryRoom(traced(definition.compiled, { clock, log: (line) => void lines.push(line) }), clock);
    const socket = await room.connect("ada");
    const send = (message: object) => room.core.message(socket, JSON.stringify(message));
    await send({ action: "count", value: 1, id: 1 });
    await send({ action: "refuse" });
    await send({ action: "unknown" });
    for (const action of ["slow", "slowFail"]) {
      const handled = send({ action });
      clock.advance(30);
      resume();
      await handled;
    }
    await room.core.request(new Request("http://room/items/7"), "/items/7", null);
    const connection = expect.any(String) as string;
    const action = (name: string, more: object) => ({
      level: "debug",
      event: "action",
      action: name,
      connection,
      ...more,
    });
    expect(lines).toEqual([
      action("count", { ms: 0 }),
      action("refuse", { code: "forbidden", ms: 0 }),
      action("slow", { ms: 30 }),
      action("slowFail", { code: "internal", ms: 30 }),
      { level: "debug", event: "request", action: "GET /items/:id", ms: 0 },
    ]);
    // The log does not change what the room does.
    expect(socket.texts.some((text) => text.includes('"type":"ack","value":{"id":1'))).toBe(true);
    expect((room.state as { count(): number }).count()).toBe(1);
  });
});
