import { afterEach, describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";

afterEach(() => vi.unstubAllEnvs());

describe("a definition", () => {
  const malformed = {
    path: "game-{id}-{id}",
    state: () => ({}),
    maxUsers: -1,
    requests: { "GET /$mine": {} },
  } as never;

  it("is checked in development and in tests", () => {
    expect(() => defineRoom(malformed)).toThrow('defineRoom("game-{id}-{id}"): maxUsers has to be a number from 1');
  });

  it("is not checked in a deployed Worker, and still matches", () => {
    vi.stubEnv("NODE_ENV", "production");
    expect(() => defineRoom(malformed)).not.toThrow();
    const run = () => "ok";
    const { compiled } = defineRoom({
      path: "game-{id}",
      state: () => ({}),
      requests: { "GET /players/:id": { run } },
    });
    expect(compiled.pattern.match("game-1")).toEqual({ id: "1" });
    expect(compiled.routes.match("GET", "/players/7")).toMatchObject({ kind: "found", params: { id: "7" } });
    expect(compiled.version).toBe(1);
  });
});
