import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { testRoom } from "../../support/harness.ts";

class Player {
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
  tip = sync(signal("x"), { visibleTo: (viewer) => viewer.auth?.["gm"] === true });
}
const definition = defineRoom({
  path: "room-{id}",
  autoSync: false,
  throttleSync: 0,
  throttleStorage: 0,
  state: () => ({
    a: sync(signal(0)),
    config: sync(signal<Record<string, unknown>>({ x: 1, y: { z: 1 } })),
    monsters: collection(() => ({ hp: sync(signal(1)), mana: sync(signal(2)) })),
    players: users(Player),
  }),
  actions: {
    set: { run: ({ state }, value) => state.a.set(value as number) },
    apply: { run: ({ room }) => room.applySync() },
    auto: { run: ({ room }, value) => void (room.autoSync = value as boolean) },
    status: { run: ({ room }) => [room.autoSync, room.pendingSync] },
    say: { run: ({ room }, value) => room.broadcast({ type: "say", value }) },
  },
});
const syncs = (client: { texts: string[] }) => client.texts.filter((text) => text.startsWith('{"type":"sync"'));

describe("autoSync: false", () => {
  it("sends nothing automatically: first packets and changes are sent by applySync, once", async () => {
    const room = testRoom(definition);
    const a = await room.open();
    expect((await a.call("status")).value["result"]).toEqual([false, true]);
    await a.call("set", 1);
    expect(syncs(a)).toEqual([]);
    await a.call("apply");
    expect(syncs(a)).toHaveLength(1);
    expect(JSON.parse(syncs(a)[0] as string)).toMatchObject({ value: { pId: expect.any(String), a: 1 } });
    const b = await room.open();
    await b.call("set", 2);
    await b.call("set", 3);
    expect((await b.call("status")).value["result"]).toEqual([false, true]);
    await b.call("apply");
    await a.text(syncs(a).at(-1) as string);
    expect(JSON.parse(syncs(a).at(-1) as string)).toMatchObject({ value: { a: 3 } });
    expect(syncs(b)).toHaveLength(1);
    expect(syncs(b)[0]).toContain('"pId"');
    expect((await b.call("status")).value["result"]).toEqual([false, false]);
  });

  it("applySync without changes sends the whole visible state", async () => {
    const room = testRoom(definition);
    const a = await room.open();
    await a.call("apply");
    await a.call("apply");
    expect(syncs(a)).toHaveLength(2);
    expect(JSON.parse(syncs(a)[1] as string)).toMatchObject({ value: { a: 0, config: { x: 1 }, monsters: {} } });
    expect(syncs(a)[1]).not.toContain("pId");
  });

  it("other packets do not wait for it", async () => {
    const room = testRoom(definition);
    const a = await room.open();
    await a.call("say", "hi");
    expect(a.packets.some((packet) => packet.type === "say")).toBe(true);
  });

  it("can be switched, and waiting changes are sent", async () => {
    const room = testRoom(definition);
    const a = await room.open();
    await a.call("set", 4);
    await a.call("auto", true);
    await a.sees((state: { a?: number }) => state.a === 4);
    await a.call("set", 5);
    await a.sees((state: { a?: number }) => state.a === 5);
    await a.call("auto", false);
    await room.evict();
    expect((await a.call("status")).value["result"]).toEqual([false, false]);
    await room.evict();
    await a.call("auto", true);
    await room.evict();
    expect((await a.call("status")).value["result"]).toEqual([true, false]);
  });

  it("an eviction meanwhile loses no waiting changes, including deletions and lost keys", async () => {
    const room = testRoom(definition);
    const a = await room.open({ id: "a" });
    await room.change((state) => {
      state.monsters()["old"] = { hp: sync(signal(1)), mana: sync(signal(2)) };
      state.monsters()["kept"] = { hp: sync(signal(1)), mana: sync(signal(2)) };
    });
    await a.call("apply");
    await room.change((state) => {
      delete state.monsters()["old"];
      state.monsters()["new"] = { hp: sync(signal(7)), mana: sync(signal(2)) };
      state.monsters()["kept"]?.hp.set(9);
      state.config.set({ y: {} });
      for (const player of Object.values(state.players())) player.hand.set(["ace"]);
    });
    await room.evict();
    expect((await a.call("status")).value["result"]).toEqual([false, true]);
    const before = a.texts.length;
    await a.call("apply");
    const patch = JSON.parse(a.texts.slice(before).find((text) => text.includes('"sync"')) as string) as object;
    expect(patch).toEqual({
      type: "sync",
      value: {
        config: { x: "$delete", y: { z: "$delete" } },
        monsters: { old: "$delete", new: { hp: 7, mana: 2 }, kept: { hp: 9 } },
        // The hidden field is deleted once more, because the room does not remember who saw what. This does no harm.
        players: { [a.publicId]: { hand: ["ace"], tip: "$delete" } },
      },
    });
    await room.evict();
    expect((await a.call("status")).value["result"]).toEqual([false, false]);
  });
});
