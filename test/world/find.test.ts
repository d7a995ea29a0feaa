import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connectRoom, findRoom, listRooms } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { connected, sync } from "../../src/state/fields.ts";
import type { RoomObjectBase } from "../../src/objects/room-object.ts";
import { shared } from "../../src/testing/registry.ts";
import { BrowserSocket } from "../support/browser-socket.ts";
import { TestRoom } from "../support/harness.ts";

class Player {
  online = connected();
}
const duel = defineRoom({
  path: "duel-{mode}-{id}",
  maxUsers: 2,
  state: () => ({ players: users(Player), phase: sync(signal<"waiting" | "playing">("waiting")) }),
  onStart: ({ room }) => room.setListing({ mode: room.params["mode"] }),
  actions: {
    begin: {
      run({ state, room }) {
        state.phase.set("playing");
        room.setListing({ mode: room.params["mode"] }, { locked: true });
      },
    },
    hide: { run: ({ room }) => room.setListing(null) },
  },
});

const host = "http://rooms.test";
const socket = { WebSocket: BrowserSocket, protocol: "ws", minReconnectionDelay: 1 } as const;
/** A new mode for each test, because all of them use the same World. */
const newMode = () => `m${crypto.randomUUID().replaceAll("-", "")}`;
const search = (mode: string) => ({ host, room: "duel-{mode}-{id}", filter: { mode } });
const users1 = (mode: string) => listRooms(search(mode)).then((rooms) => rooms.map(({ users }) => users));

beforeEach(() => {
  shared().rooms.set("main", duel);
  vi.stubGlobal("fetch", exports.default.fetch.bind(exports.default));
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe("P10: rooms that list themselves, as real objects", () => {
  it("users who search at the same time are paired, and none is left over", async () => {
    const mode = newMode();
    const find = async () => (await findRoom({ ...search(mode), create: { mode } })).roomId;
    const games = Array.from({ length: 6 }, () => connectRoom<typeof duel>({ host, room: find, socket }));
    await Promise.all(games.map((game) => vi.waitFor(() => expect(game.status).toBe("open"), { timeout: 10_000 })));
    const groups = Map.groupBy(games, ({ room }) => room);
    expect([...groups.values()].map((group) => group.length)).toEqual([2, 2, 2]);
    await expect.poll(() => users1(mode), { timeout: 5000 }).toEqual([2, 2, 2]);
    for (const game of games) game.close();
    await expect.poll(() => users1(mode), { timeout: 5000 }).toEqual([0, 0, 0]);
  });

  it("a user who is refused because the room filled up without the World's knowledge gets another room", async () => {
    const mode = newMode();
    const { roomId } = await findRoom({ ...search(mode), create: { mode } });
    const room = new TestRoom(duel, roomId, "main");
    // The room reports with its alarm. Until it may, the World does not know who is there.
    const { promise: mayReport, resolve: letReport } = Promise.withResolvers<void>();
    await runInDurableObject(room.stub, (instance: RoomObjectBase) => {
      const ring = instance.alarm.bind(instance);
      instance.alarm = () => mayReport.then(ring);
    });
    // These users knew the room's id, and did not ask the World.
    await room.connect({ via: "room" });
    await room.connect({ via: "room" });
    const tried: string[] = [];
    const find = async () => {
      const found = await findRoom({ ...search(mode), create: { mode } });
      tried.push(found.roomId);
      // The first refusal makes the client search again, when the World knows more.
      letReport();
      return found.roomId;
    };
    const game = connectRoom<typeof duel>({ host, room: find, socket });
    await vi.waitFor(() => expect(game.status).toBe("open"), { timeout: 10_000 });
    expect(tried[0]).toBe(roomId);
    expect(game.room).not.toBe(roomId);
    game.close();
  });

  it("a room is skipped when it is locked, and gone when it is not listed", async () => {
    const mode = newMode();
    const { roomId } = await findRoom({ ...search(mode), create: { mode } });
    const game = connectRoom<typeof duel>({ host, room: roomId, socket });
    await game.call("begin");
    const shown = () => listRooms(search(mode));
    await expect.poll(shown, { timeout: 5000 }).toMatchObject([{ roomId, locked: true, users: 1, maxUsers: 2 }]);
    await expect(findRoom(search(mode))).rejects.toMatchObject({ status: 404 });
    await game.call("hide");
    await expect.poll(shown, { timeout: 5000 }).toEqual([]);
    game.close();
  });

  it("a hibernated room and a hibernated World find each other again", async () => {
    const mode = newMode();
    const { roomId } = await findRoom({ ...search(mode), create: { mode } });
    const game = connectRoom<typeof duel>({ host, room: roomId, socket });
    await expect.poll(() => users1(mode), { timeout: 5000 }).toEqual([1]);
    const room = new TestRoom(duel, roomId, "main");
    await room.inside((_, core) => core.handle.flush());
    await evictDurableObject(room.stub);
    const worlds = (env as unknown as { WORLDS: DurableObjectNamespace }).WORLDS;
    const world = worlds.get(worlds.idFromName("world/world-default"));
    await runInDurableObject(world, () => {});
    await evictDurableObject(world);
    expect(await findRoom(search(mode))).toMatchObject({ roomId, users: 1, metadata: { mode } });
    game.close();
  });

  it("a room that is reported only by its id, and never lists itself, is in no list", async () => {
    const quiet = defineRoom({ path: "duel-{mode}-{id}", state: () => ({}) });
    shared().rooms.set("main", quiet);
    const mode = newMode();
    await new TestRoom(quiet, `duel-${mode}-1`, "main").connect({ via: "room" });
    expect(await listRooms(search(mode))).toEqual([]);
    await expect(findRoom({ ...search(mode), create: { mode } })).rejects.toMatchObject({ status: 400 });
  });
});
