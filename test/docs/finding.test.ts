import { exports } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { listRooms } from "../../src/client/index.ts";
import { shared } from "../../src/testing/registry.ts";
import { BrowserSocket } from "../support/browser-socket.ts";
import { TestRoom } from "../support/harness.ts";
import { duelRoom } from "./extracted/duel-room.ts";
import type { DuelListing } from "./extracted/duel-room.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

it("guide: being found", async () => {
  shared().rooms.set("main", duelRoom);
  vi.stubGlobal("fetch", exports.default.fetch.bind(exports.default));
  vi.stubGlobal("WebSocket", BrowserSocket);
  vi.stubGlobal("location", { host: "http://rooms.test" });
  const { duel, open } = await import("./extracted/duel-client.ts");
  const hasOpened = (game: { status: string }) =>
    vi.waitFor(() => expect(game.status).toBe("open"), { timeout: 10_000 });
  await hasOpened(duel);
  expect(duel.room).toMatch(/^duel-blitz-[a-z0-9]{12}$/);
  expect(open).toEqual([]);
  const search = { host: location.host, room: duelRoom.path, filter: { mode: "blitz" } };
  expect(await listRooms<DuelListing>(search)).toMatchObject([
    { roomId: duel.room, metadata: { mode: "blitz", level: 1 }, maxUsers: 2, locked: false },
  ]);
  await duel.call("begin");
  const room = new TestRoom(duelRoom, duel.room ?? "", "main");
  expect(await (await room.open({ via: "room" })).closed).toEqual({ code: 4503, reason: "The duel has begun" });
  expect(Object.keys(duel.state.fighters)).toEqual([duel.publicId]);
  await expect.poll(async () => (await listRooms(search))[0]?.locked, { timeout: 5000 }).toBe(true);
  await duel.call("hide");
  await expect.poll(() => listRooms(search), { timeout: 5000 }).toEqual([]);
  duel.close();
});
