import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { MemoryRoom } from "../../support/memory.ts";
import { ResumingClient } from "./resuming-client.ts";

const monster = () => ({ hp: sync(signal(10)) });
const state = () => ({ count: sync(signal(0)), secret: signal(0), monsters: collection(monster) });
type State = ReturnType<typeof state>;

function create(options: object = {}): MemoryRoom<State> {
  return new MemoryRoom<State>(defineRoom({ path: "r", throttleSync: 0, state, ...options }).compiled);
}

async function come(room: MemoryRoom<State>, client: ResumingClient, session = "ada"): Promise<void> {
  client.connected(await room.connect(session, null, undefined, client.query));
  client.read();
}

const slotsOf = (room: MemoryRoom<State>) => [...room.storage.rows.keys()].filter((key) => key.startsWith("$changes:"));

/** A client that has received two stored changes, and one that is not stored. */
async function follow(room: MemoryRoom<State>): Promise<ResumingClient> {
  const client = new ResumingClient();
  await come(room, client);
  for (const count of [1, 2, 3]) {
    room.change(({ count: field }) => field.set(count));
    client.read();
    if (count < 3) await room.advance(1500);
  }
  return client;
}

describe("P4.14: the record of stored changes", () => {
  it("takes back what was sent and never stored", async () => {
    const room = create();
    const client = await follow(room);
    expect(client.state["count"]).toBe(3);
    room.crash();
    await come(room, client);
    expect([client.how, client.state["count"], room.state.count()]).toEqual([["whole", "went back"], 2, 2]);
  });

  it("covers 2 minutes, in rows that are overwritten", async () => {
    const room = create();
    const [old, recent, present] = [new ResumingClient(), new ResumingClient(), new ResumingClient()];
    await come(room, present, "present");
    for (let second = 0; second < 400; second++) {
      room.change(({ count }) => count.update((value) => value + 1));
      for (const client of [old, recent, present]) client.read();
      if (second === 100) await come(room, old, "old");
      if (second === 300) await come(room, recent, "recent");
      if (second === 110) for (const socket of room.sockets.slice(1)) room.disconnect(socket);
      await room.advance(1000);
    }
    expect(slotsOf(room).length).toBe(64);
    room.crash();
    for (const [session, client] of Object.entries({ old, recent, present })) {
      await come(room, client, session);
      expect(client.state["count"]).toBe(400);
    }
    expect([old.how, recent.how, present.how]).toEqual([
      ["whole", "whole"],
      ["whole", "went back"],
      ["whole", "went back"],
    ]);
  });

  it("continues its numbers after hibernation, also if rows could only be saved one by one before", async () => {
    const room = create();
    await room.connect("bob");
    room.storage.fault = (key) => {
      if (/monsters|changes|sync/.test(key)) throw new Error("storage fails");
    };
    room.change(({ monsters }) => (monsters()["a"] = monster()));
    await room.advance(5000);
    const client = new ResumingClient();
    await come(room, client);
    room.change(({ monsters }) => delete monsters()["a"]);
    room.storage.fault = () => {};
    await room.evict();
    for (const count of [1, 2]) room.change((fields) => fields.count.set(count));
    // The client checks that no number is missing or repeated.
    client.read();
    expect([client.how, client.state["count"]]).toEqual([["whole"], 2]);
  });

  it("is dropped if one save would make it too large for storage", async () => {
    const room = create();
    const client = await follow(room);
    await room.advance(2000);
    room.change(({ monsters }) => {
      for (let index = 0; index < 3000; index++) monsters()[`${"m".repeat(300)}${index}`] = monster();
    });
    client.read();
    await room.advance(2000);
    const sizes = slotsOf(room).map((key) => JSON.stringify(room.storage.rows.get(key)).length);
    expect(Math.max(...sizes)).toBeLessThan(600_000);
    room.crash();
    await come(room, client);
    expect(client.how).toEqual(["whole", "whole"]);
    expect(Object.keys(client.state["monsters"] as object).length).toBe(3000);
  });

  it("has at most 1 MB, however many entries change", async () => {
    const room = create();
    const client = await follow(room);
    for (let round = 0; round < 30; round++) {
      room.change(({ monsters }) => {
        for (let index = 0; index < 3000; index++) monsters()[`a-monster-${index}`] = monster();
      });
      client.read();
      await room.advance(3000);
    }
    const size = slotsOf(room).reduce((sum, key) => sum + JSON.stringify(room.storage.rows.get(key)).length, 0);
    expect(size).toBeLessThan(64 * 150_000);
    room.crash();
    await come(room, client);
    expect(Object.keys(client.state["monsters"] as object).length).toBe(3000);
  });

  it("is empty in a room whose clients do not count packets, and for invisible changes", async () => {
    const room = create();
    await room.connect("bob");
    room.change(({ count }) => count.set(1));
    await room.advance(2000);
    expect([...room.storage.rows.keys()].filter((key) => /sync|changes/.test(key))).toEqual([]);
    const other = create();
    await follow(other);
    await other.advance(5000);
    const before = other.storage.writes;
    other.change(({ count }) => count.set(9));
    await other.advance(5000);
    expect(other.storage.writes - before).toBe(2);
  });

  it.each([
    ["a field is new", { state: () => ({ ...state(), more: sync(signal(0)) }) }],
    ["a field is gone", { state: () => ({ count: sync(signal(0)) }) }],
    [
      "entries have another field",
      { state: () => ({ ...state(), monsters: collection(() => ({ mp: sync(signal(1)) })) }) },
    ],
    [
      "a hook changes what is loaded",
      { onStorageRestore: ({ snapshot }: { snapshot: object }) => ({ ...snapshot, count: 5 }) },
    ],
    [
      "hidden entries are not stored",
      { state: () => ({ ...state(), hands: collection(monster, { persist: false, visibleTo: "owner" }) }) },
    ],
  ])("is not used if the code differs: %s", async (_, options) => {
    const room = create();
    const client = await follow(room);
    await room.advance(2000);
    room.kill();
    await room.deploy(defineRoom({ path: "r", throttleSync: 0, state, ...options }).compiled);
    await come(room, client);
    expect(client.how).toEqual(["whole", "whole"]);
    // After another start with the same code the client may resume, or get the whole state. It must equal the room's
    // state.
    // state.
    room.change(({ count }) => count.set(7));
    client.read();
    await room.advance(2000);
    room.crash();
    await come(room, client);
    expect(client.state["count"]).toBe(room.state.count());
  });

  it("is not used if another version has run since, which does not write it", async () => {
    const room = create();
    const client = await follow(room);
    await room.advance(2000);
    room.kill();
    // Version 0.1.0 deletes the row or continues its numbers, and changes the state.
    room.storage.rows.set("$sync", { seq: 7, epoch: "theirs" });
    room.storage.rows.set(".", { count: 99 });
    room.start();
    await come(room, client);
    expect([client.how, client.state["count"]]).toEqual([["whole", "whole"], 99]);
  });
});
