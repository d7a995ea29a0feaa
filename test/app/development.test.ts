import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { createDevelopmentCheck } from "../../src/app/development.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import type { AnyRoom } from "../../src/define/room.ts";
import { createLog } from "../../src/platform/log.ts";
import type { LogEntry } from "../../src/platform/ports.ts";
import { sync } from "../../src/state/fields.ts";

const ROOM = "/parties/main/game-1";
const NO_HEADERS = new Headers();

function watch(rooms: readonly AnyRoom[] = []) {
  const lines: LogEntry[] = [];
  const check = createDevelopmentCheck(
    createLog((entry) => lines.push(entry)),
    new Map([["main", rooms]]),
  );
  return { lines, check };
}

describe("a session id that can be guessed", () => {
  it("is reported once in development", () => {
    const { lines, check } = watch();
    check.upgrade(new URL(`http://localhost:8787${ROOM}?id=ada`), NO_HEADERS);
    check.upgrade(new URL(`http://localhost:8787${ROOM}?id=grace`), NO_HEADERS);
    expect(lines).toMatchObject([{ level: "warn", event: "short_session_id" }]);
    expect(JSON.stringify(lines)).not.toContain("ada");
  });

  it("is also reported if it is a subprotocol", () => {
    const { lines, check } = watch();
    const headers = new Headers({ "sec-websocket-protocol": "durable-rooms, durable-rooms.id.ada" });
    check.upgrade(new URL(`http://127.0.0.1:8787${ROOM}`), headers);
    expect(lines).toHaveLength(1);
  });

  it.each([
    ["a deployed service", `https://game.example.com${ROOM}?id=ada`],
    ["a client that has none yet", `http://localhost:8787${ROOM}`],
    ["a random UUID", `http://localhost:8787${ROOM}?id=${crypto.randomUUID()}`],
    ["128 random bits in base64", `http://localhost:8787${ROOM}?_pk=3q2-7wAAAAAAAAAAAAAAAA`],
  ])("is not reported: %s", (_, url) => {
    const { lines, check } = watch();
    check.upgrade(new URL(url), NO_HEADERS);
    expect(lines).toEqual([]);
  });
});

describe("a state that shares values between rooms", () => {
  const scores = sync(signal<number[]>([]));
  const tiles = [[0, 0]];
  const rooms = [
    defineRoom({ path: "shared-{id}", state: () => ({ scores, map: sync(signal({ tiles })) }) }),
    defineRoom({ path: "own-{id}", state: () => ({ scores: sync(signal<number[]>([])) }) }),
  ] as readonly AnyRoom[];
  const id = crypto.randomUUID();

  it("is reported in development, once for each kind of room", () => {
    const { lines, check } = watch(rooms);
    check.upgrade(new URL(`http://localhost:8787${ROOM}?id=${id}`), NO_HEADERS);
    check.upgrade(new URL(`http://localhost:8787${ROOM}?id=${id}`), NO_HEADERS);
    expect(lines).toMatchObject([
      { level: "warn", event: "shared_between_rooms", path: "shared-{id}", fields: "scores, map.tiles" },
    ]);
  });

  it("costs nothing in a deployed service", () => {
    let made = 0;
    const room = defineRoom({ path: "counted", state: () => ({ made: sync(signal(++made)) }) });
    const { lines, check } = watch([...rooms, room]);
    check.upgrade(new URL(`https://game.example.com${ROOM}?id=${id}`), NO_HEADERS);
    expect(lines).toEqual([]);
    expect(made).toBe(0);
  });
});
