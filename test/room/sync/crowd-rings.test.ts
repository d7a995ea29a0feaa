import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { near } from "../../../src/state/near.ts";
import { MemoryTree } from "../../support/memory-shards.ts";
import type { MemorySocket } from "../../support/memory.ts";

/** Farther rings, whose changes are sent less often than others. */

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
}
const ship = () => ({ x: sync(signal(500)), y: sync(signal(0)) });
const stateOf = () => ({
  players: users(Player),
  buoys: collection(ship, { visibleTo: near({ x: "x", y: "y", radius: 100, nearest: 1 }) }),
  ships: collection(ship, {
    visibleTo: near({ x: "x", y: "y", rings: [{ radius: 100 }, { radius: 1000, hz: 4 }] }),
  }),
});
type State = ReturnType<typeof stateOf>;

/** A client, at the room or at a shard, and two ships in its farther ring. Nobody of protocol 3 was there before. */
async function harbour(via: "room" | "shard", query: string) {
  const tree = new MemoryTree<State>(defineRoom({ path: "r", throttleSync: 0, state: stateOf }).compiled);
  const shard = tree.add("s0");
  const come = async (session: string, asks: string): Promise<MemorySocket> => {
    const socket =
      via === "room" ? await tree.room.connect(session, null, undefined, asks) : shard.connect(session, null, asks);
    await tree.advance(1000);
    return socket;
  };
  await come("somebody", "");
  const change = async (run: (ships: Record<string, ReturnType<typeof ship>>) => void, ms = 10) => {
    tree.room.change(({ ships }) => run(ships()));
    await tree.advance(ms);
  };
  await change((ships) => {
    ships["a"] = ship();
    ships["b"] = ship();
  }, 2000);
  const socket = await come("ada", query);
  socket.texts.length = 0;
  return { tree, shard, socket, change };
}

/** The values of `y` in the packets since the last call. */
function ysOf({ texts }: MemorySocket): number[] {
  const packets = texts
    .splice(0)
    .map((text) => JSON.parse(text) as { value: { ships?: Record<string, { y?: number }> } });
  return packets.flatMap(({ value }) => Object.values(value.ships ?? {}).flatMap(({ y }) => y ?? []));
}

/** The value of `y` that a client has. */
function yOf({ clients }: MemorySocket, key: string): unknown {
  return (clients[0]?.state as { ships?: Record<string, { y: number }> } | undefined)?.ships?.[key]?.y;
}

describe.each(["room", "shard"] as const)("P4.15: farther rings, at a %s", (via) => {
  it.each([
    ["is removed", (ships: Record<string, unknown>) => delete ships["b"]],
    ["goes out of sight", (ships: Record<string, ReturnType<typeof ship>>) => ships["b"]?.x.set(5000)],
  ])("P13.9: an entry that %s before the ring got its slot is deleted by its key", async (_, leave) => {
    const { socket, change } = await harbour(via, "protocol=2&protocol=3");
    await change((ships) => ships["a"]?.y.set(1));
    // This change waits, and with it the slot of the entry.
    await change((ships) => ships["b"]?.y.set(1));
    await change(leave);
    expect(socket.malformed).toEqual([]);
    expect(socket.isOpen).toBe(true);
    expect(socket.texts.at(-1)).toContain('"b":"$delete"');
  });

  it("P4.9: changes that waited for applySync while the room slept arrive", async () => {
    const { tree, socket, change } = await harbour(via, "protocol=2");
    tree.room.core.handle.autoSync = false;
    await change((ships) => ships["a"]?.y.set(1), 60_000);
    expect([tree.room.isIdle, ysOf(socket)]).toEqual([true, []]);
    await tree.room.evict();
    await change((ships) => ships["b"]?.y.set(2));
    tree.room.core.handle.applySync();
    await tree.advance(1000);
    expect([yOf(socket, "a"), yOf(socket, "b")]).toEqual([1, 2]);
  });

  it("P4.9: with manual sync, other nearest entries are only shown with applySync", async () => {
    const { tree, socket } = await harbour(via, "protocol=2");
    const place = (key: string, x: number) => tree.room.change(({ buoys }) => (buoys()[key] ??= ship()).x.set(x));
    const shown = async (ms: number) => {
      await tree.advance(ms);
      return Object.keys((socket.clients[0]?.state as { buoys?: object } | undefined)?.buoys ?? {});
    };
    const { handle } = tree.room.core;
    place("c", 90);
    handle.autoSync = false;
    expect([await shown(5000), handle.pendingSync]).toEqual([["c"], false]);
    place("a", 50);
    place("b", -51);
    handle.applySync();
    expect(await shown(5000)).toEqual(["a"]);
    // An entry that is shown stays for a while, also if it is a little farther away than another one.
    place("a", 52);
    handle.applySync();
    expect(await shown(5000)).toEqual(["a"]);
    tree.room.change(() => (handle.autoSync = true));
    expect(await shown(5000)).toEqual(["b"]);
  });

  describe("P4.9: if autoSync is switched off while a change waits for its ring", () => {
    /** The ring was sent `y` 1 a moment ago, so 2 waits. */
    async function waiting() {
      const all = await harbour(via, "protocol=2");
      const { tree, socket, change } = all;
      await change((ships) => ships["a"]?.y.set(1));
      await change((ships) => ships["a"]?.y.set(2));
      expect(ysOf(socket)).toEqual([1]);
      const { handle } = tree.room.core;
      tree.room.change(() => (handle.autoSync = false));
      await tree.advance(10);
      return { ...all, handle };
    }

    it("nothing is sent until applySync", async () => {
      const { tree, socket, handle } = await waiting();
      await tree.advance(5000);
      expect(ysOf(socket)).toEqual([]);
      expect(handle.pendingSync).toBe(true);
      handle.applySync();
      await tree.advance(10);
      expect(ysOf(socket)).toEqual([2]);
      expect(handle.pendingSync).toBe(false);
      await tree.advance(5000);
      expect(ysOf(socket)).toEqual([]);
    });

    it("applySync sends it before the ring is due", async () => {
      const { tree, socket, handle } = await waiting();
      handle.applySync();
      await tree.advance(10);
      expect(ysOf(socket)).toEqual([2]);
    });

    it("it is sent when the ring is due, if autoSync was switched on again", async () => {
      const { tree, socket, handle } = await waiting();
      tree.room.change(() => (handle.autoSync = true));
      await tree.advance(500);
      expect(ysOf(socket)).toEqual([2]);
    });

    it("changes of afterwards do not bring it along", async () => {
      const { tree, socket, change, handle } = await waiting();
      await change((ships) => ships["b"]?.y.set(3), 5000);
      expect(ysOf(socket)).toEqual([]);
      handle.applySync();
      await tree.advance(10);
      expect(new Set(ysOf(socket))).toEqual(new Set([2, 3]));
    });

    it("the last value arrives after hibernation, too", async () => {
      const { tree, socket, handle, shard } = await waiting();
      await tree.advance(60_000);
      expect([tree.room.isIdle, shard.isIdle]).toEqual([true, true]);
      await tree.room.evict();
      if (via === "shard") shard.evict();
      await tree.advance(1000);
      tree.room.core.handle.applySync();
      expect(handle).not.toBe(tree.room.core.handle);
      await tree.advance(5000);
      expect(yOf(socket, "a")).toBe(2);
    });
  });
});
