import { expect, it, vi } from "vitest";
import { createRooms } from "../../src/index.ts";
import type { LogEntry } from "../../src/index.ts";
import { gameRoom } from "./game-room.ts";

it("entries go to the log of createRooms", async () => {
  const lines: LogEntry[] = [];
  const rooms = createRooms({
    rooms: [gameRoom],
    logLevel: "info", // "debug", "info", "warn" or "error"; default "warn"
    log: (entry) => lines.push(entry), // default: console[entry.level](JSON.stringify(entry))
  });

  const error = vi.spyOn(console, "error");
  const response = await rooms.app.request("http://rooms.test/parties/main/game-1", {}, {});
  expect([response.status, error.mock.calls]).toEqual([500, []]);
  expect(lines).toEqual([
    {
      level: "error",
      event: "request_failed",
      party: "main",
      room: "game-1",
      code: "internal",
      error: expect.any(String),
    },
  ]);
});
