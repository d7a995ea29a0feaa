import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../../src/define/define-room.ts";
import type { ListingOptions, Metadata } from "../../../src/define/types.ts";
import type { ListingReport } from "../../../src/room/listing/report.ts";
import { users } from "../../../src/app/users.ts";
import { connected, sync } from "../../../src/state/fields.ts";
import { MemoryRoom } from "../../support/memory.ts";

class Player {
  online = connected();
}
const arena = defineRoom({
  path: "{id}",
  maxUsers: 3,
  state: () => ({ players: users(Player), count: sync(signal(0)) }),
  actions: { add: { input: z.number(), run: ({ state }, by) => state.count.update((count) => count + by) } },
});

/** A room with Worlds that record its reports. */
class Listed {
  readonly room = new MemoryRoom(arena.compiled);
  readonly told: [worldId: string, report: ListingReport | null][] = [];
  /** The answer of a World to a report. It may throw, or return an error code. */
  onReport: () => string | undefined | Promise<string | undefined> = () => undefined;

  constructor() {
    this.room.worlds = {
      report: async (worldId, place, report) => {
        expect(place).toEqual({ party: "main", roomId: "r" });
        this.told.push([worldId, report]);
        return this.onReport();
      },
    };
  }

  list(metadata: Metadata | null, options?: ListingOptions): void {
    this.room.core.handle.setListing(metadata, options);
  }

  /** Waits until reports are sent. */
  async pass(ms = 1000): Promise<void> {
    await this.room.advance(ms);
  }

  get users(): (number | undefined)[] {
    return this.told.map(([, report]) => report?.users);
  }
}

describe("P10.1: room.setListing", () => {
  it("tells the World the listing and the users online", async () => {
    const test = new Listed();
    await test.room.connect("ada");
    test.list({ mode: "duel", level: signal(3), none: undefined }, { locked: true });
    await test.pass();
    const place = { party: "main", roomId: "r", path: "{id}", maxUsers: 3 };
    const report = { ...place, metadata: '{"mode":"duel","level":3}', locked: true, users: 1 };
    expect(test.told).toEqual([["world-default", report]]);
    expect(test.room.core.listing.read("world-default")).toEqual(report);
    expect(test.room.core.listing.read("other")).toBeNull();
  });

  it("also works by its old name, room.listing", async () => {
    const test = new Listed();
    test.room.core.handle.listing({ mode: "duel" }, { locked: true });
    await test.pass();
    expect(test.told).toMatchObject([["world-default", { metadata: '{"mode":"duel"}', locked: true }]]);
  });

  it("reports users who come and go at most once a second, and only changes", async () => {
    const test = new Listed();
    test.list({});
    await test.pass();
    const sockets = await Promise.all(["ada", "bob", "cleo"].map((id) => test.room.connect(id)));
    await test.pass();
    expect(test.users).toEqual([0, 3]);
    // A second socket of a user, and a user who is back within the second, cause no report.
    await test.room.connect("ada");
    const [, bob] = sockets;
    if (bob) test.room.disconnect(bob);
    await test.room.connect("bob");
    test.list({});
    await test.pass(5000);
    expect(test.users).toEqual([0, 3]);
    for (const socket of test.room.sockets) test.room.disconnect(socket);
    await test.pass();
    expect(test.users).toEqual([0, 3, 0]);
  });

  it("costs one alarm together with the save of the new user, and one further row", async () => {
    const test = new Listed();
    test.list({});
    await test.room.connect("ada");
    await test.pass(5000);
    const { alarmsSet } = test.room;
    const { writes } = test.room.storage;
    await test.room.connect("bob");
    await test.pass(5000);
    expect(test.users).toEqual([1, 2]);
    expect(test.room.alarmsSet - alarmsSet).toBe(1);
    const without = new MemoryRoom(arena.compiled);
    await without.connect("ada");
    await without.advance(5000);
    const before = without.storage.writes;
    await without.connect("bob");
    await without.advance(5000);
    expect(test.room.storage.writes - writes).toBe(without.storage.writes - before + 1);
  });

  it("costs nothing if a room is not listed", async () => {
    const test = new Listed();
    await test.room.connect("ada");
    await test.pass(5000);
    expect(test.told).toEqual([]);
    expect([...test.room.storage.rows.keys()].filter((key) => key.includes("listing"))).toEqual([]);
  });

  it("reports its own change at once, and again after at least a second", async () => {
    const test = new Listed();
    test.list({ mode: "duel" });
    await test.pass(20);
    expect(test.told).toHaveLength(1);
    test.list({ mode: "duel" }, { locked: true });
    await test.pass(500);
    expect(test.told).toHaveLength(1);
    await test.pass(500);
    expect(test.told.map(([, report]) => report?.locked)).toEqual([false, true]);
  });

  it("removes the room from the list, and moves it to another World", async () => {
    const test = new Listed();
    test.list({}, { worldId: "one" });
    await test.pass();
    test.list({}, { worldId: "two" });
    await test.pass();
    test.list(null);
    await test.pass();
    expect(test.told.map(([worldId, report]) => [worldId, report?.users])).toEqual([
      ["one", 0],
      ["one", undefined],
      ["two", 0],
      ["two", undefined],
    ]);
    expect([...test.room.storage.rows.keys()].filter((key) => key.includes("listing"))).toEqual([]);
    test.list(null);
    await test.pass();
    expect(test.told).toHaveLength(4);
  });

  it("reports nothing new after hibernation, and the current values after a crash", async () => {
    const test = new Listed();
    test.list({ mode: "duel" });
    await test.room.connect("ada");
    await test.pass(5000);
    expect(test.users.at(-1)).toBe(1);
    const reports = test.told.length;
    await test.room.evict();
    await test.pass(5000);
    expect(test.told).toHaveLength(reports);
    test.room.crash();
    await test.pass(5000);
    expect(test.told.slice(reports)).toMatchObject([["world-default", { users: 0, metadata: '{"mode":"duel"}' }]]);
  });

  it("is reported later if the World is away, also after a crash of the room", async () => {
    const test = new Listed();
    test.onReport = () => Promise.reject(new Error("away"));
    test.list({ mode: "duel" });
    await test.pass(2000);
    expect(test.told.length).toBeGreaterThan(1);
    test.room.crash();
    test.onReport = () => undefined;
    const before = test.told.length;
    await test.pass(2000);
    expect(test.told.slice(before)).toMatchObject([["world-default", { metadata: '{"mode":"duel"}' }]]);
    test.onReport = () => Promise.reject(new Error("away"));
    test.list(null);
    await test.pass(100);
    test.room.crash();
    test.onReport = () => undefined;
    await test.pass(60_000);
    expect(test.told.at(-1)).toEqual(["world-default", null]);
  });

  it("that changes while it is reported is reported again", async () => {
    const test = new Listed();
    test.onReport = () => {
      test.onReport = () => undefined;
      test.list({ mode: "ffa" });
      return undefined;
    };
    test.list({ mode: "duel" });
    await test.pass(5000);
    expect(test.told.map(([, report]) => report?.metadata)).toEqual(['{"mode":"duel"}', '{"mode":"ffa"}']);
  });

  it("that is refused is not reported again until something changes, and the log says why", async () => {
    const test = new Listed();
    test.onReport = () => "There is no such World";
    test.list({ mode: "duel" });
    await test.pass(60_000);
    expect(test.told).toHaveLength(1);
    expect(test.room.log).toMatchObject([{ level: "error", event: "listing_failed" }]);
    expect(JSON.stringify(test.room.log)).toContain("There is no such World");
    await test.room.connect("ada");
    await test.pass();
    expect(test.told).toHaveLength(2);
  });

  it("takes a plain object of up to 2,048 bytes", async () => {
    const test = new Listed();
    expect(() => test.list({ x: "x".repeat(2040) })).not.toThrow();
    expect(() => test.list({ x: "x".repeat(2041) })).toThrow("up to 2048 bytes as JSON, not 2049");
    expect(() => test.list({ x: "ü".repeat(1500) })).toThrow("2048 bytes");
    for (const wrong of [[1], "x", 1, new Date()]) {
      expect(() => test.list(wrong as unknown as Metadata)).toThrow("plain object");
    }
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    expect(() => test.list(circle)).toThrow();
    // The refused values did not replace the listing.
    expect(test.room.core.listing.read("world-default")?.metadata).toHaveLength(2048);
  });
});

it("in a service without Worlds the log says what to add, and the room continues", async () => {
  const { room } = new Listed();
  room.hasWorlds = false;
  room.crash();
  room.core.handle.setListing({ mode: "duel" });
  expect(room.log).toMatchObject([{ event: "listing_failed", error: expect.stringContaining("Add world: worlds()") }]);
  expect(room.core.listing.read("world-default")).toBeNull();
  const socket = await room.connect("ada");
  await room.core.message(socket, '{"action":"add","value":2}');
  expect((room.state as { count: () => number }).count()).toBe(2);
  // A listing that was stored while there were Worlds does no harm either.
  room.storage.rows.set("$listing", {
    wanted: { worldId: "w", metadata: "{}", locked: false },
    told: { worldId: "w" },
  });
  room.crash();
  room.core.handle.destroy();
  await room.core.ended;
  expect([...room.storage.rows.keys()]).toEqual([]);
});
