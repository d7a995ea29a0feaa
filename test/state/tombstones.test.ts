import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { Tombstones } from "../../src/state/tombstones.ts";
import { ResumingClient } from "../room/sync/resuming-client.ts";
import { MemoryRoom } from "../support/memory.ts";

describe("tombstones", () => {
  it("know what was removed since a packet, and what was added again", () => {
    const gone = new Tombstones();
    for (const [index, key] of ["a", "b", "c"].entries()) gone.add(key, index + 1, 0);
    gone.add("a", 4, 0);
    expect(gone.delete("b")).toBe(true);
    expect([...gone.since(2)]).toEqual(["c", "a"]);
    expect(gone.forgottenIn).toBe(0);
  });

  it.each([
    ["too many", 1500, "k", 0, 500],
    ["too long", 100, "k".repeat(1000), 0, 36],
    ["too old", 100, "k", 51, 50],
  ])("are forgotten if they are %s, oldest first", (_, count, prefix, useful, forgotten) => {
    const gone = new Tombstones();
    for (let seq = 1; seq <= count; seq++) gone.add(`${prefix}${seq}`, seq, seq === count ? useful : 0);
    expect(Math.abs(gone.forgottenIn - forgotten)).toBeLessThan(2);
    expect([...gone.since(0)].length).toBe(count - gone.forgottenIn);
  });
});

it("the whole collection is sent to clients that were away longer than removals are remembered", async () => {
  const monster = () => ({ hp: sync(signal(10)), own: sync(signal(0), { visibleTo: () => true }) });
  const state = () => ({ count: sync(signal(0)), monsters: collection(monster) });
  const room = new MemoryRoom<ReturnType<typeof state>>(defineRoom({ path: "r", throttleSync: 0, state }).compiled);
  room.change(({ monsters }) => {
    for (let index = 0; index < 1200; index++) monsters()[`m${index}`] = monster();
  });
  await room.connect("bob");
  const client = new ResumingClient();
  const socket = await room.connect("ada", null, undefined, client.query);
  client.connected(socket);
  client.read();
  room.disconnect(socket);
  for (let index = 0; index < 1100; index++) room.change(({ monsters }) => delete monsters()[`m${index}`]);
  room.change(({ monsters }) => monsters()["m1150"]?.hp.set(3));
  client.connected(await room.connect("ada", null, undefined, client.query));
  client.read();
  expect(client.how).toEqual(["whole", "resumed"]);
  const expected = Object.fromEntries(
    Array.from({ length: 100 }, (_, index) => [`m${1100 + index}`, { hp: index === 50 ? 3 : 10, own: 0 }]),
  );
  expect(client.state["monsters"]).toEqual(expected);
});
