import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { users } from "../../../src/app/users.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { sync } from "../../../src/state/fields.ts";
import { MemoryRoom } from "../../support/memory.ts";

const { compiled } = defineRoom({
  path: "room-{id}",
  throttleStorage: 0,
  state: () => ({ players: users(() => ({ gold: sync(signal(5)) })) }),
});
const life = { until: Number.MAX_SAFE_INTEGER };

/** Rows as a service with Worlds and transfers leaves them, each in a form that such a service can and cannot read. */
const ROWS = {
  "$link:s1": [{ run: "r", last: 3, mail: [], mailed: 0, clients: 2 }, { run: 1 }],
  $listing: [{ told: { worldId: "world-default", users: 3 } }, { told: "everybody" }],
  "$token:t1": [
    { ...life, value: { sessionId: "ada" } },
    { ...life, value: {} },
  ],
  "$moved:m1": [{ ...life, value: { arrived: true } }, { value: { arrived: true } }],
  "$departed:d1": [{ ...life, value: { to: "room-b", transferId: "x" } }, "gone"],
} as const;

/** A room that wakes with these rows after a deploy. */
function deployed(rows: Readonly<Record<string, unknown>>, isWith: boolean): MemoryRoom<object> {
  const room = new MemoryRoom<object>(compiled);
  room.kill();
  for (const [key, value] of Object.entries(rows)) room.storage.rows.set(key, value);
  room.hasTransfers = room.hasWorlds = isWith;
  room.start();
  return room;
}
const formOf = (form: 0 | 1) => Object.fromEntries(Object.entries(ROWS).map(([key, forms]) => [key, forms[form]]));

describe("a room whose service has no Worlds and no transfers any more", () => {
  it.each([
    ["readable", 0],
    ["unreadable", 1],
  ] as const)("runs with %s rows of both, and leaves them as they are", async (_, form) => {
    const rows = formOf(form);
    const room = deployed(rows, false);
    const ada = await room.connect("ada");
    expect(ada.isOpen).toBe(true);
    await room.advance(5000);
    room.disconnect(ada);
    await room.advance(600_000);
    room.crash();
    expect((await room.connect("ada")).isOpen).toBe(true);
    for (const [key, value] of Object.entries(rows)) expect(room.storage.rows.get(key), key).toEqual(value);
    expect(room.log.filter(({ event }) => event === "quarantined")).toEqual([]);
  });

  it("puts unreadable rows into quarantine when its service has both again", () => {
    const rows = formOf(1);
    const room = deployed(rows, false);
    room.hasTransfers = room.hasWorlds = true;
    room.crash();
    for (const key of Object.keys(rows)) expect(room.storage.rows.has(key), key).toBe(false);
    expect(room.core.handle.quarantine.list().map(({ key }) => key)).toEqual(Object.keys(rows).toSorted());
  });

  it("uses readable rows when its service has both again", async () => {
    const room = deployed(formOf(0), false);
    room.hasTransfers = room.hasWorlds = true;
    const asked: string[] = [];
    room.shards.introduce = async (shardId) => {
      asked.push(shardId);
      return undefined;
    };
    room.crash();
    await room.core.started;
    expect(asked).toEqual(["s1"]);
    expect(room.core.listing.read("world-default")).toBeNull();
    expect(room.log.filter(({ event }) => event === "quarantined")).toEqual([]);
  });
});
