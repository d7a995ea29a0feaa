import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import type { RoomConnection } from "../../src/room/connections/connection.ts";
import { RemoteSocket } from "../../src/room/shards/remote-socket.ts";
import { ShardLink } from "../../src/room/shards/shard-link.ts";
import { ExpiringRows, MOST_REMEMBERED } from "../../src/room/storage/expiring-rows.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, sync } from "../../src/state/fields.ts";
import { MemoryRoom, MemoryStorage, VirtualClock } from "../support/memory.ts";

class Player {
  x = sync(signal(0));
}
const names = Array.from({ length: 1001 }, (_, index) => `job-${index}`);
const gate = Promise.withResolvers<void>();
const stateOf = () => ({
  count: sync(signal(0)),
  text: sync(signal("")),
  list: sync(signal<unknown[]>([])),
  players: users(Player),
  things: collection(() => ({ n: sync(signal(0)) })),
});
const definitionWith = (throttleStorage?: number) =>
  defineRoom({
    path: "r",
    throttleStorage,
    maxOfflineSessions: 3,
    rateLimit: { messages: 1e6, per: 1 },
    state: stateOf,
    schedules: Object.fromEntries(names.map((name) => [name, { run: () => {} }])),
    actions: {
      count: { run: ({ state }) => state.count.update((count) => count + 1) },
      wait: { run: () => gate.promise },
      later: { run: ({ room }) => names.slice(0, 1000).forEach((name) => room.schedule(name, 1000)) },
      more: { run: ({ room }) => room.schedule("job-1000", 1000) },
      far: { run: ({ state }, index) => void (state.list()[index as number] = 1) },
      add: { run: ({ state }, key) => void (state.things()[key as string] = { n: sync(signal(0)) }) },
    },
  });

const definition = definitionWith();
type State = ReturnType<typeof stateOf>;
const codeOf = (text: string | undefined) => (JSON.parse(text ?? "{}") as { value?: { code?: string } }).value?.code;

it("disconnected users are limited: those who left first are removed first", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  const sockets = [];
  for (const id of ["a", "b", "c", "d", "e"]) sockets.push(await room.connect(id));
  const ids = Object.keys(room.state.players());
  for (const socket of sockets) {
    await room.advance(10);
    room.disconnect(socket);
  }
  expect(Object.keys(room.state.players())).toEqual(ids.slice(2));
  // Connected users are not removed, and a user who returned counts as the last to leave.
  await room.advance(10);
  const back = await room.connect("c");
  room.disconnect(await room.connect("f"));
  room.disconnect(back);
  expect(Object.keys(room.state.players()).slice(0, 3)).toContain(ids[2]);
  expect(Object.keys(room.state.players())).not.toContain(ids[3]);
  // The order is stored, so it is the same after a crash.
  await room.advance(2000);
  room.crash();
  room.disconnect(await room.connect("g"));
  expect(Object.keys(room.state.players())).toHaveLength(3);
  expect(Object.keys(room.state.players())).not.toContain(ids[4]);
  await room.advance(302_000);
  expect(Object.keys(room.state.players())).toEqual([]);
  expect([...room.storage.rows.keys()].filter((key) => key.includes("session"))).toEqual([]);
});

it("remembered transfers are limited: the oldest are forgotten first", () => {
  const storage = new MemoryStorage();
  const ledger = new ExpiringRows<{ n: number }>("moved", 1e9, storage, new VirtualClock());
  for (let n = 0; n < MOST_REMEMBERED + 2; n++) ledger.set(`t${n}`, { n });
  expect([ledger.get("t0"), ledger.get("t1"), ledger.get("t2")]).toEqual([undefined, undefined, { n: 2 }]);
  expect(storage.rows.size).toBe(MOST_REMEMBERED);
});

it("stored frames for clients of shards are limited per shard and in total", () => {
  const stored = { run: "run", life: undefined, last: 0, mail: [], mailed: 0, clients: 0 };
  const callbacks = { onChanged() {}, waiting: { add: () => true } } as never;
  const link = new ShardLink("shard", stored, "boot", new VirtualClock(), 1000, callbacks);
  for (let id = 0; id < 5; id++) link.sendTo(new RemoteSocket(link, id, "user"), "x".repeat(50_000));
  expect([1, 20, 25, 100].map((links) => link.stored(links).mail.length)).toEqual([4, 4, 3, 0]);
});

it("waiting messages are limited: a connection with more is closed with 4429", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  const large = await room.connect("large");
  const many = await room.connect("many");
  const text = JSON.stringify({ action: "count", value: "x".repeat(60_000) });
  for (const socket of [large, many]) void room.core.message(socket, '{"action":"wait"}');
  for (let index = 0; index < 33; index++) void room.core.message(large, text);
  expect(large.isOpen).toBe(true);
  for (let index = 0; index < 2; index++) void room.core.message(large, text);
  expect(large.closedWith?.code).toBe(4429);
  for (let index = 0; index < 1000; index++) void room.core.message(many, '{"action":"count"}');
  expect(many.isOpen).toBe(true);
  void room.core.message(many, '{"action":"count"}');
  expect(many.closedWith?.code).toBe(4429);
  expect(room.state.count()).toBe(0);
  gate.resolve();
});

it("names and ids of messages have up to 256 characters, values up to 64 levels", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  const socket = await room.connect("s");
  const send = async (message: object) => {
    await room.core.message(socket, JSON.stringify(message));
    return codeOf(socket.texts.at(-1));
  };
  expect(await send({ action: "a".repeat(256), id: 1 })).toBe("unknown_action");
  expect(await send({ action: "a".repeat(257) })).toBe("bad_message");
  expect(await send({ action: "none", id: "i".repeat(256) })).toBe("unknown_action");
  expect(await send({ action: "none", id: "i".repeat(257) })).toBe("bad_message");
  const nested = (depth: number): unknown => (depth === 0 ? 0 : [nested(depth - 1)]);
  expect(await send({ action: "none", value: nested(64) })).toBe("unknown_action");
  expect(await send({ action: "none", value: nested(65) })).toBe("bad_message");
});

it("a room has up to 1000 schedules, keys of up to 512 characters, and no holes in arrays", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  const socket = await room.connect("s");
  const send = async (action: string, value?: unknown) => {
    await room.core.message(socket, JSON.stringify({ action, value, id: 1 }));
    return codeOf(socket.texts.at(-1)) ?? "ok";
  };
  expect(await send("later")).toBe("ok");
  expect(await send("more")).toBe("internal");
  expect(await send("add", "k".repeat(512))).toBe("ok");
  expect(await send("add", "k".repeat(513))).toBe("invalid_input");
  expect(await send("far", 1023)).toBe("ok");
  expect(await send("far", 1024 + 1024 + 1)).toBe("internal");
});

it("a row that is too large for storage does not stop others, nor clients", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  const socket = await room.connect("s");
  room.storage.fault = (key) => {
    if (key === "list") throw new Error("a value has 2 MB at most");
  };
  room.change((state) => (state.list.set([1]), state.things.set({}), state.count.set(5)));
  await room.advance(2000);
  expect(room.storage.rows.get(".")).toMatchObject({ count: 5 });
  expect(room.log.some(({ event }) => event === "save_failed")).toBe(true);
  await room.core.message(socket, '{"action":"count","id":"last"}');
  expect(socket.texts.at(-1)).toContain('"type":"ack"');
});

it("a row that is too large does not delay others: each is stored at once in its own row", async () => {
  const room = new MemoryRoom<State>(definitionWith(0).compiled);
  const socket = await room.connect("s");
  let isTooLarge = true;
  room.storage.fault = (key) => {
    if (key === "list" && isTooLarge) throw new Error("a value has 2 MB at most");
  };
  room.change((state) => state.list.set([1]));
  for (const count of [1, 2, 3]) {
    room.change((state) => state.count.set(count));
    expect(room.storage.rows.get(".")).toMatchObject({ count });
  }
  room.disconnect(socket);
  expect(room.storage.rows.get("$session:s")).toHaveProperty("offlineSince");
  const tried = room.log.filter(({ event }) => event === "save_failed").length;
  isTooLarge = false;
  await room.advance(60_000);
  expect(room.storage.rows.get("list")).toEqual([1]);
  expect(room.log.filter(({ event }) => event === "save_failed")).toHaveLength(tried);
  room.change((state) => state.list.set([2]));
  expect(room.storage.rows.get("list")).toEqual([2]);
});

it("a row that is too large does not make others wait longer than without it", async () => {
  const room = new MemoryRoom<State>(definitionWith(400).compiled);
  await room.connect("s");
  room.storage.fault = (key) => {
    if (key === "list") throw new Error("a value has 2 MB at most");
  };
  room.change((state) => state.list.set([1]));
  await room.advance(120_000);
  for (const count of [1, 2, 3]) {
    room.change((state) => state.count.set(count));
    await room.advance(400);
    expect(room.storage.rows.get(".")).toMatchObject({ count });
  }
  const tries = room.log.filter(({ event }) => event === "save_failed").length;
  await room.advance(600_000);
  expect(room.log.filter(({ event }) => event === "save_failed").length - tries).toBe(10);
});

it("a client whose token is too large for a socket is refused, and no user is made", async () => {
  class Visitor {
    online = connected();
  }
  const one = defineRoom({ path: "r", maxUsers: 1, throttleStorage: 0, state: () => ({ visitors: users(Visitor) }) });
  const room = new MemoryRoom<{ visitors: () => Record<string, Visitor> }>(one.compiled);
  const socket = await room.connect("a", { sub: "a", claim: "x".repeat(20_000) });
  expect(socket.closedWith?.code).toBe(4400);
  expect(room.state.visitors()).toEqual({});
  // The session is removed when it expires.
  await room.advance(300_000);
  expect([...room.core.sessions.all()]).toEqual([]);
});

it("P4.6: a connection remembers only existing fields of entries that become visible and invisible", async () => {
  const bullet = () => ({ speed: sync(signal(1), { visibleTo: () => true }) });
  const field = defineRoom({ path: "r", throttleSync: 0, state: () => ({ bullets: collection(bullet) }) });
  const room = new MemoryRoom<{ bullets: () => Record<string, object> }>(field.compiled);
  await room.connect("a");
  for (let index = 0; index < 50; index++) {
    room.change(({ bullets }) => {
      bullets()[`b${index}`] = bullet();
      delete bullets()[`b${index - 1}`];
    });
  }
  const [conn] = room.core.handle.connections;
  const [speed, ...others] = room.core.tree.privateLeaves();
  expect(speed?.path()).toBe("bullets.b49.speed");
  expect(others).toEqual([]);
  expect((conn as RoomConnection).seen).toEqual(new Set([speed?.id]));
});

it("P7.4: waiting messages of a connection are not handled after the room closed it", async () => {
  const done: unknown[] = [];
  const opened = Promise.withResolvers<void>();
  const strict = defineRoom({
    path: "r",
    state: () => ({}),
    actions: {
      say: {
        async run({ conn }, value) {
          done.push(value);
          await opened.promise;
          if (value === "bad") conn.close(4000, "No such words");
        },
      },
    },
  });
  const room = new MemoryRoom(strict.compiled);
  const socket = await room.connect("a");
  const handled = room.core.message(socket, '{"action":"say","value":"bad"}');
  for (const value of [1, 2]) void room.core.message(socket, JSON.stringify({ action: "say", value }));
  opened.resolve();
  await handled;
  expect(socket.closedWith).toEqual({ code: 4000, reason: "No such words" });
  expect(done).toEqual(["bad"]);
});
