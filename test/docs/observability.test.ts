import { expect, it, vi } from "vitest";
import { lines, rooms } from "./extracted/log-options.ts";

it("lines go where createRooms says", async () => {
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
