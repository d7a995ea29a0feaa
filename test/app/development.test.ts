import { describe, expect, it } from "vitest";
import { createIdCheck } from "../../src/app/development.ts";
import { createLog } from "../../src/platform/log.ts";
import type { LogEntry } from "../../src/platform/ports.ts";

const ROOM = "/parties/main/game-1";
const NO_HEADERS = new Headers();

function watch() {
  const lines: LogEntry[] = [];
  const check = createIdCheck(createLog((entry) => lines.push(entry)));
  return { lines, check };
}

describe("a session id that can be guessed", () => {
  it("is reported in development, once", () => {
    const { lines, check } = watch();
    check(new URL(`http://localhost:8787${ROOM}?id=ada`), NO_HEADERS);
    check(new URL(`http://localhost:8787${ROOM}?id=grace`), NO_HEADERS);
    expect(lines).toMatchObject([{ level: "warn", event: "short_session_id" }]);
    expect(JSON.stringify(lines)).not.toContain("ada");
  });

  it("is reported also where it is a subprotocol", () => {
    const { lines, check } = watch();
    const headers = new Headers({ "sec-websocket-protocol": "durable-rooms, durable-rooms.id.ada" });
    check(new URL(`http://127.0.0.1:8787${ROOM}`), headers);
    expect(lines).toHaveLength(1);
  });

  it.each([
    ["a deployed service", `https://game.example.com${ROOM}?id=ada`],
    ["a client that has none yet", `http://localhost:8787${ROOM}`],
    ["a random UUID", `http://localhost:8787${ROOM}?id=${crypto.randomUUID()}`],
    ["128 random bits in base64", `http://localhost:8787${ROOM}?_pk=3q2-7wAAAAAAAAAAAAAAAA`],
  ])("is not: %s", (_, url) => {
    const { lines, check } = watch();
    check(new URL(url), NO_HEADERS);
    expect(lines).toEqual([]);
  });
});
