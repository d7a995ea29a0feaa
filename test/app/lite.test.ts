import { describe, expect, it } from "vitest";
import * as library from "../../src/index.ts";
import * as lite from "../../src/lite.ts";

const room = library.defineRoom({
  path: "lite-{id}",
  state: () => ({ a: library.sync(library.signal(0)) }),
  requests: { "GET /": { run: () => "here" } },
});

describe("a service without Worlds", () => {
  it("makes rooms, and answers 404 for Worlds and shards", async () => {
    const rooms = library.createRooms({ rooms: [room] });
    expect(Object.keys(rooms)).toEqual(["app", "RoomObject"]);
    for (const path of ["world/w/connect", "shard/s", "main/other"]) {
      const answer = await rooms.app.request(`https://example.com/parties/${path}`, { method: "POST" }, {});
      expect([path, answer.status, await answer.json()]).toMatchObject([path, 404, { code: "not_found" }]);
    }
  });

  it("can still be imported from durable-rooms/lite", () => {
    expect({ ...lite }).toEqual({ ...library });
  });
});
