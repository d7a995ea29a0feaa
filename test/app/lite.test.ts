import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import * as library from "../../src/index.ts";
import * as lite from "../../src/lite.ts";

const room = lite.defineRoom({
  path: "lite-{id}",
  state: () => ({ a: lite.sync(signal(0)) }),
  requests: { "GET /": { run: () => "here" } },
});

describe("durable-rooms/lite", () => {
  it("has all that durable-rooms has, with a createRooms of its own", () => {
    const { createRooms, ...others } = lite;
    const { createRooms: full, ...expected } = library;
    expect(others).toEqual(expected);
    expect(createRooms).not.toBe(full);
  });

  it("makes rooms, and no Worlds", async () => {
    const rooms = lite.createRooms({ rooms: [room] });
    expect(Object.keys(rooms)).toEqual(["app", "RoomObject"]);
    for (const path of ["world/w/connect", "shard/s", "main/other"]) {
      const answer = await rooms.app.request(`https://example.com/parties/${path}`, { method: "POST" }, {});
      expect([path, answer.status, await answer.json()]).toMatchObject([path, 404, { code: "not_found" }]);
    }
    expect(() => lite.createRooms({ rooms: [room], world: {} } as never)).toThrow(
      'there is no option "world". Known: rooms, parties, auth, cors',
    );
  });
});
