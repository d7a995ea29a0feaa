import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { signal } from "@signe/reactive";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { connected, sync } from "../../src/state/fields.ts";
import { QUOTA } from "../support/faults.ts";
import { shardStub, testRoom } from "../support/harness.ts";

class Player {
  name = sync(signal(""));
  online = connected();
}
const game = defineRoom({ path: "ended-{id}", throttleSync: 0, state: () => ({ players: users(Player) }) });

/** Everything that an object has stored, including the platform's own tables. */
const stored = (stub: DurableObjectStub) =>
  runInDurableObject(stub, async (_, { storage }) => ({
    rows: [...storage.kv.list()].map(([key]) => key),
    bytes: storage.sql.databaseSize,
    alarm: await storage.getAlarm(),
  }));
const isOnline = (state: { players(): Record<string, Player> }) =>
  Object.values(state.players()).some((player) => player.online());

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a shard that its World retired", () => {
  it("has nothing stored, and is as large as one that never existed", async () => {
    const room = testRoom(game, "ended-1");
    const client = await room.connect({ via: "shard" });
    const stub = shardStub(await room.shard());
    const before = await stored(stub);
    expect(before.rows).toEqual(expect.arrayContaining(["$name", "assignment", "run"]));
    const never = await stored(shardStub("never-used"));
    await stub.retire();
    expect((await client.closed).code).toBe(4503);
    // Wait until the room has noticed. What happens after that stores nothing either.
    await vi.waitFor(async () => expect(await room.inside((state) => isOnline(state as never))).toBe(false));
    await stub.metrics();
    expect(await stored(stub)).toEqual({ ...never, rows: [], alarm: null });
    expect(never.bytes).toBeLessThan(before.bytes);
  });

  it("deletes its data later if that fails", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const room = testRoom(game, "ended-2");
    const stub = shardStub(await room.shard());
    await runInDurableObject(stub, (_, { storage }) => {
      const deleteAll = storage.deleteAll.bind(storage);
      let isFirst = true;
      storage.deleteAll = () => {
        if (!isFirst) return deleteAll();
        isFirst = false;
        return Promise.reject(new Error(QUOTA));
      };
    });
    await stub.retire();
    const { rows, alarm } = await stored(stub);
    expect(rows).toContain("assignment");
    expect(alarm).not.toBeNull();
    expect((await (await room.open({ via: "shard" })).closed).code).toBe(4404);
    await runInDurableObject(stub, (instance) => instance.alarm());
    expect(await stored(stub)).toMatchObject({ rows: [], alarm: null });
  });
});
