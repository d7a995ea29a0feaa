import { computed, signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, persist, sync } from "../../../src/state/fields.ts";
import { testRoom } from "../../support/harness.ts";
import { MemoryRoom } from "../../support/memory.ts";

class Player {
  x = sync(signal(0));
  aim = sync(signal(0), { persist: false });
  items = collection(() => ({ count: sync(signal(1)) }));
}
const monster = () => ({ hp: sync(signal(10)) });
const stateOf = () => ({
  count: sync(signal(0)),
  title: sync(signal("new")),
  seed: persist(signal(1)),
  turn: sync(signal(0), { persist: false }),
  list: sync(signal<number[]>([])),
  config: sync(signal<Record<string, unknown>>({ a: 1 })),
  pos: { x: sync(signal(0)) },
  double: sync(computed(() => 2)),
  cache: signal("memory"),
  players: users(Player),
  monsters: collection(monster),
});
type State = ReturnType<typeof stateOf>;

const lazy = defineRoom({ path: "room-{id}", throttleSync: 0, throttleStorage: 1000, state: stateOf });
const eager = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  throttleStorage: 0,
  state: stateOf,
  actions: { add: { run: ({ state }) => state.count.update((count) => count + 1) } },
});

const memory = (room: { compiled: typeof lazy.compiled }) => new MemoryRoom<State>(room.compiled);
const rowsOf = (room: MemoryRoom<State>) =>
  Object.fromEntries([...room.storage.rows].filter(([key]) => !key.startsWith("$")));

describe("what is stored", () => {
  it("scalars under `.`, every other field and every entry under a key of its own", async () => {
    const room = testRoom(eager);
    const client = await room.connect({ id: "ada" });
    await room.change((state) => {
      state.count.set(3);
      state.list().push(1, 2);
      state.pos.x.set(4);
      state.monsters()["m%1"] = monster();
      const player = state.players()[client.publicId] as Player;
      player.x.set(5);
      player.items()["sword"] = { count: sync(signal(2)) };
    });
    const stored = await room.stored();
    expect(stored).toMatchObject({
      ".": { count: 3, title: "new", seed: 1 },
      list: [1, 2],
      config: { a: 1 },
      pos: { x: 4 },
      "monsters.m%251": { hp: 10 },
      [`players.${client.publicId}`]: { x: 5 },
      [`players.${client.publicId}.items.sword`]: { count: 2 },
      "$session:ada": { publicId: client.publicId },
    });
    expect(JSON.stringify(stored)).not.toMatch(/memory|double/);
  });

  it("writes only the rows that changed", async () => {
    const room = memory(lazy);
    const socket = await room.connect("ada");
    await room.advance(2000);
    room.storage.writes = 0;
    const [publicId] = Object.keys(room.state.players()) as [string];
    room.change((state) => state.players()[publicId]?.x.set(9));
    room.change((state) => state.players()[publicId]?.x.set(10));
    await room.advance(2000);
    expect(room.storage.writes).toBe(1);
    room.disconnect(socket);
  });

  it("a deleted entry leaves nothing behind, whatever was inside", async () => {
    const room = memory(lazy);
    await room.connect("ada");
    const [publicId] = Object.keys(room.state.players()) as [string];
    room.change((state) => {
      state.monsters()["m1"] = monster();
      const player = state.players()[publicId] as Player;
      player.items()["sword"] = { count: sync(signal(2)) };
      player.aim.set(3);
    });
    await room.advance(2000);
    expect(Object.keys(rowsOf(room)).filter((key) => /m1|players/.test(key))).toHaveLength(4);
    room.change((state) => {
      delete state.monsters()["m1"];
      delete state.players()[publicId];
    });
    await room.advance(2000);
    expect(Object.keys(rowsOf(room)).filter((key) => /m1|players/.test(key))).toEqual([]);
  });

  it("many entries are saved at once, beyond any limit of a batch", async () => {
    const room = testRoom(eager);
    await room.connect();
    await room.change((state) => {
      for (let index = 0; index < 1000; index++) state.monsters()[`m${index}`] = monster();
    });
    await room.evict();
    await room.inside((state) => expect(Object.keys(state.monsters())).toHaveLength(1000));
    await room.change((state) => state.monsters.set({}));
    expect(Object.keys(await room.stored()).filter((key) => key.startsWith("monsters"))).toEqual([]);
  });

  it("a value that only the first start made is kept", async () => {
    const random = defineRoom({
      path: "r",
      state: () => ({ seed: persist(signal(Math.random())), a: sync(signal(0)) }),
    });
    const room = new MemoryRoom<{ seed(): number }>(random.compiled);
    const seed = room.state.seed();
    await room.connect("x");
    await room.advance(2000);
    room.crash();
    expect(room.state.seed()).toBe(seed);
  });
});

describe("throttleStorage", () => {
  it("n: saves with the alarm, within n ms, all changes of that time together", async () => {
    const room = memory(lazy);
    await room.connect("ada");
    await room.advance(2000);
    room.change((state) => state.count.set(1));
    expect(room.alarmAt - room.clock.time).toBe(1000);
    await room.advance(500);
    room.change((state) => state.count.set(2));
    expect(rowsOf(room)["."]).toMatchObject({ count: 0 });
    await room.advance(500);
    expect(rowsOf(room)["."]).toMatchObject({ count: 2 });
  });

  it("n: also under steady load, and a crash loses no more than that", async () => {
    const room = memory(lazy);
    await room.connect("ada");
    for (let step = 1; step <= 100; step++) {
      room.change((state) => state.count.set(step));
      await room.advance(100);
    }
    room.crash();
    expect(room.state.count()).toBeGreaterThanOrEqual(90);
  });

  it("n: under steady changes the alarm is set once per window, whatever else needs it", async () => {
    const room = memory(lazy);
    const away = await room.connect("away");
    await room.connect("here");
    room.disconnect(away);
    await room.advance(3000);
    const before = room.alarmsSet;
    for (let step = 0; step < 100; step++) {
      room.change((state) => state.count.set(step));
      await room.advance(100);
    }
    expect(room.alarmsSet - before).toBeLessThanOrEqual(12);
    await room.advance(5000);
    expect(rowsOf(room)["."]).toMatchObject({ count: 99 });
    // The next alarm is for the end of the session.
    expect(room.alarmAt - room.clock.time).toBeGreaterThan(60_000);
  });

  it("n: the real alarm saves", async () => {
    const room = testRoom(lazy);
    await room.connect();
    await room.change((state) => state.count.set(5));
    expect(await room.alarm()).toBe(true);
    expect((await room.stored())["."]).toMatchObject({ count: 5 });
  });

  it("0: is durable before the packet or the acknowledgement leaves", async () => {
    const room = memory(eager);
    const socket = await room.connect("ada");
    const order: string[] = [];
    room.storage.fault = (key) => void order.push(`write ${key}`);
    const send = socket.send.bind(socket);
    socket.send = (frame) => {
      order.push(`send ${(JSON.parse(frame as string) as { type: string }).type}`);
      return send(frame);
    };
    await room.core.message(socket, '{"action":"add","id":1}');
    expect(order).toEqual(["write .", "send sync", "send ack"]);
  });

  it("0: an abort right after the acknowledgement loses nothing", async () => {
    const room = testRoom(eager);
    const client = await room.connect();
    await client.call("add");
    await room.crash();
    await room.inside((state) => expect(state.count()).toBe(1));
  });

  it("flush saves now", async () => {
    const room = memory(lazy);
    await room.connect("ada");
    room.change((state) => state.count.set(8));
    await room.core.handle.flush();
    expect(rowsOf(room)["."]).toMatchObject({ count: 8 });
  });
});

describe("hibernation", () => {
  it("keeps unsaved changes and volatile values while sockets are open", async () => {
    const room = testRoom(lazy);
    const client = await room.connect();
    await room.change((state) => {
      state.turn.set(7);
      state.count.set(3);
      state.players()[client.publicId]?.aim.set(4);
    });
    await room.evict();
    const texts = client.texts.length;
    await room.inside((state) => {
      expect([state.turn(), state.count(), state.players()[client.publicId]?.aim()]).toEqual([7, 3, 4]);
    });
    // The clients' state did not change, so nothing is sent.
    await room.change((state) => state.count.set(9));
    await client.sees((state: State & { count: number }) => (state.count as unknown) === 9);
    expect(client.texts.slice(texts)).toEqual(['{"type":"sync","value":{"count":9}}']);
  });

  it("a restart drops them", async () => {
    const room = memory(lazy);
    await room.connect("ada");
    room.change((state) => state.turn.set(7));
    await room.advance(2000);
    expect(rowsOf(room)["~."]).toEqual({ turn: 7 });
    room.crash();
    expect(room.state.turn()).toBe(0);
    expect(Object.keys(rowsOf(room)).filter((key) => key.startsWith("~"))).toEqual([]);
  });
});

describe("a failing write", () => {
  it("is reported to onError, repeated, and does not stop other rows from being saved", async () => {
    const errors: string[] = [];
    const room = new MemoryRoom<State>(
      defineRoom({
        path: "r",
        throttleSync: 0,
        state: stateOf,
        onError: ({ error }) => void errors.push(String(error)),
      }).compiled,
    );
    await room.connect("ada");
    await room.advance(2000);
    let isBroken = true;
    room.storage.fault = (key) => {
      if (isBroken && key === "list") throw new Error("disk full");
    };
    room.change((state) => {
      state.list().push(1);
      state.count.set(4);
    });
    await room.advance(1000);
    expect(errors).toEqual(["Error: disk full"]);
    expect(rowsOf(room)["."]).toMatchObject({ count: 4 });
    await room.advance(1500);
    expect(errors.length).toBeGreaterThan(1);
    isBroken = false;
    await room.advance(10_000);
    expect(rowsOf(room)["list"]).toEqual([1]);
    expect(room.log.every((entry) => entry.event === "save_failed")).toBe(true);
  });
});

describe("restoring", () => {
  it("loads what an older definition stored: removed, new, changed or hostile fields", () => {
    const room = memory(lazy);
    room.storage.rows = new Map<string, unknown>([
      [".", { count: 3, gone: "x", title: "old" }],
      ["list", { not: "a list" }],
      ["config", { b: 2 }],
      ["gone", [1]],
      ["monsters.m1", { hp: 1, mana: 5 }],
      ["monsters.m2", {}],
      ["monsters.__proto__", { hp: 1 }],
      ["players.p1.items.sword", { count: 4 }],
      ["players.p1", { x: 6 }],
      ["unknown.a.b", 1],
    ]);
    room.crash();
    const { state } = room;
    expect([state.count(), state.title(), state.seed(), [...state.list()], { ...state.config() }]).toEqual([
      3,
      "old",
      1,
      [],
      { b: 2 },
    ]);
    expect(Object.keys(state.monsters())).toEqual(["m1", "m2"]);
    expect([state.monsters()["m1"]?.hp(), state.monsters()["m2"]?.hp()]).toEqual([1, 10]);
    expect(state.players()["p1"]?.items()["sword"]?.count()).toBe(4);
    expect(({} as { hp?: number }).hp).toBeUndefined();
  });

  it("calls onStorageRestore and onUserStorageRestore", async () => {
    const hooks = defineRoom({
      path: "room-{id}",
      throttleStorage: 0,
      state: stateOf,
      onStorageRestore: ({ snapshot, room }) => ({
        ...snapshot,
        title: `restored ${room.id} ${JSON.stringify(snapshot["count"])}`,
      }),
      onUserStorageRestore: ({ userSnapshot, user, publicId }) => {
        expect(user).toBeInstanceOf(Player);
        return { ...userSnapshot, x: (userSnapshot["x"] as number) + 100, publicId };
      },
    });
    const room = testRoom(hooks);
    const client = await room.connect();
    await room.change((state) => {
      state.count.set(3);
      state.players()[client.publicId]?.x.set(5);
    });
    await room.evict();
    await room.inside((state) => {
      expect(state.title()).toBe("restored room-1 3");
      expect(state.players()[client.publicId]?.x()).toBe(105);
    });
  });

  it("a hook that throws stops the room from starting, and its data is unchanged", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    let isBroken = false;
    const broken = defineRoom({
      path: "room-{id}",
      throttleStorage: 0,
      state: stateOf,
      requests: { "GET /count": { run: ({ state }) => state.count() } },
      onStorageRestore({ snapshot }) {
        if (isBroken) throw new Error("cannot read this");
        return snapshot;
      },
    });
    const room = testRoom(broken);
    const client = await room.connect();
    await room.change((state) => state.count.set(3));
    client.close();
    await client.closed;
    await room.evict();
    isBroken = true;
    expect((await room.fetch("/count")).status).toBe(503);
    expect((await (await room.open()).closed).code).toBe(1011);
    expect(log.mock.calls.join()).toContain("cannot read this");
    isBroken = false;
    expect(await (await room.fetch("/count")).text()).toBe("3");
    log.mockRestore();
  });
});
