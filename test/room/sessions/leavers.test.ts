import { signal } from "@signe/reactive";
import type { WritableObjectSignal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { overviewOf } from "../../../src/platform/object-report.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { RoomError } from "../../../src/protocol/errors.ts";
import { users } from "../../../src/app/users.ts";
import { sync } from "../../../src/state/fields.ts";
import { MemoryTree } from "../../support/memory-shards.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

class Player {
  name = sync(signal("nobody"));
}

/** A room that users may leave. `seen` records the packets that its interceptor saw, and their users. */
function scene({ isIntercepted = false } = {}) {
  const gate = Promise.withResolvers<void>();
  const seen: [name: string | undefined, type: string][] = [];
  const ticks = { count: 0 };
  const { compiled } = defineRoom({
    path: "r",
    throttleStorage: 0,
    throttleSync: 0,
    sessionExpiryTime: 60_000,
    state: () => ({ players: users(Player), count: sync(signal(0)) }),
    tick: { hz: 1, run: () => void ticks.count++ },
    actions: {
      rename: { run: ({ user }, name) => user.name.set(name as string) },
      count: { run: ({ state }) => state.count.update((count) => count + 1) },
      go: { run: ({ room, conn }) => room.sessionTransfer(conn, "other") },
      goSlowly: {
        async run({ room, conn }) {
          await room.sessionTransfer(conn, "other");
          await gate.promise;
          room.send(conn, { type: "goto", value: "other" });
        },
      },
      replace: {
        run({ state, conn }) {
          delete state.players()[conn.publicId];
          state.players()[conn.publicId] = new Player();
        },
      },
    },
    ...(isIntercepted && {
      interceptorPacket({ user }: { user?: Player }, packet: { type: string }) {
        seen.push([user?.name(), packet.type]);
        return packet as never;
      },
    }),
  });
  return { compiled, gate, seen, ticks };
}

describe("an offline user who is removed", () => {
  const away = async () => {
    const { compiled } = scene();
    const room = memoryRoom(compiled);
    const ada = await room.connect("ada");
    await room.connect("bob");
    const [adas = "", bobs = ""] = Object.keys(room.state.players());
    room.disconnect(ada);
    await room.advance(10);
    return { room, adas, bobs };
  };
  const sessions = ({ core }: MemoryRoom<State>) => [...core.sessions.all()].map(({ clientId }) => clientId);

  it("cannot resume: their session is removed, also from storage", async () => {
    const { room, adas, bobs } = await away();
    room.change((state) => delete state.players()[adas]);
    await room.advance(10);
    expect(sessions(room)).toEqual(["bob"]);
    expect([...room.storage.rows.keys()].filter((key) => key.includes("ada"))).toEqual([]);
    await room.connect("ada");
    expect(Object.keys(room.state.players())).not.toContain(adas);
    room.crash();
    expect(Object.keys(room.state.players())).toContain(bobs);
  });

  it("can resume if another entry replaces theirs in the same turn, or all entries are replaced", async () => {
    const { room, adas, bobs } = await away();
    room.change((state) => (state.players()[adas] = new Player()));
    room.change((state) => {
      const ada = state.players()[adas] as Player;
      delete state.players()[adas];
      state.players()[adas] = ada;
    });
    room.change((state) => {
      const { players } = state as unknown as { players: WritableObjectSignal<Record<string, Player>> };
      players.set({ [bobs]: players()[bobs] as Player, [adas]: new Player() });
    });
    await room.advance(10);
    expect(sessions(room).toSorted()).toEqual(["ada", "bob"]);
    await room.connect("ada");
    expect(Object.keys(room.state.players()).toSorted()).toEqual([adas, bobs].toSorted());
  });

  it("is still expected if they are being transferred here", async () => {
    const room = memoryRoom(scene().compiled);
    const answer = await room.core.board({
      transferId: "t",
      sessionId: "eve",
      publicId: "eves",
      sub: undefined,
      user: { name: "Eve" },
      state: null,
    });
    room.change((state) => delete state.players()["eves"]);
    await room.advance(10);
    expect(sessions(room)).toEqual(["eve"]);
    const token = (answer as { token: string }).token;
    expect((await room.connect(undefined, null, token)).isOpen).toBe(true);
  });
});

type State = { players(): Record<string, Player>; count(): number };

function memoryRoom(compiled: ReturnType<typeof scene>["compiled"]): MemoryRoom<State> {
  const room = new MemoryRoom<State>(compiled);
  room.neighbours.board = async () => ({ ok: true, token: "a-token" });
  room.neighbours.recall = async () => ({ arrived: true, passenger: null });
  return room;
}

const send = (room: MemoryRoom<State>, socket: MemorySocket, action: string, value?: unknown) =>
  room.core.message(socket, JSON.stringify({ action, value, id: action }));

async function settle(): Promise<void> {
  for (let step = 0; step < 30; step++) await Promise.resolve();
}

/** The ways in which a user can leave. */
const WAYS: Readonly<Record<string, (room: MemoryRoom<State>, socket: MemorySocket) => Promise<unknown> | undefined>> =
  {
    "after sessionTransfer": (room, socket) => send(room, socket, "go"),
    async "when a handler removes them"(room) {
      const ada = room.core.sessions.find("ada")?.publicId as string;
      room.change((state) => delete state.players()[ada]);
    },
  };

describe.each(Object.entries(WAYS))("a connection whose user left gets nothing more, %s", (_, leave) => {
  it("the socket of a client of protocol 1 stays open, silent and uncounted, also after hibernation", async () => {
    const { compiled, ticks } = scene();
    const room = memoryRoom(compiled);
    const ada = await room.connect("ada");
    await leave(room, ada);
    const texts = ada.texts.length;
    expect(overviewOf(room.core.parts)).toMatchObject({ connections: 0, users: 0 });
    expect(room.core.handle.connections).toEqual([]);
    const ticked = ticks.count;
    await room.advance(5000);
    expect(ticks.count).toBe(ticked);
    const host = await room.connect("host");
    await send(room, host, "count");
    room.core.handle.broadcast({ type: "hello" });
    room.disconnect(host);
    await room.advance(1000);
    await room.evict();
    expect(overviewOf(room.core.parts).connections).toBe(0);
    await send(room, await room.connect("host"), "count");
    expect(ada.texts.slice(texts)).toEqual([]);
    expect(ada.isOpen).toBe(true);
    await send(room, ada, "rename", "Mallory");
    expect(ada.texts.at(-1)).toContain('"code":"forbidden"');
    await room.advance(120_000);
    expect(room.core.sessions.find("ada")).toBeUndefined();
    // The end of the connection has no effect.
    room.disconnect(ada);
    expect(room.core.handle.connections).toHaveLength(1);
  });

  it("a client of protocol 2 is closed, with a code that is final", async () => {
    const { compiled } = scene();
    const room = memoryRoom(compiled);
    const ada = await room.connect("ada", null, undefined, "protocol=2");
    const host = await room.connect("host");
    const before = ada.texts.length;
    await leave(room, ada);
    await send(room, host, "count");
    expect(ada.isOpen).toBe(true);
    await room.advance(1000);
    expect(ada.closedWith).toEqual({ code: 4403, reason: "You are no longer in this room" });
    const texts = ada.texts.slice(before).map((text) => (JSON.parse(text) as { type: string }).type);
    expect(texts.filter((type) => type === "sync")).toEqual([]);
    // P7.7: the connection itself may end later.
    expect(texts.at(-1)).toBe("error");
  });

  it("a client of protocol 2 is also closed if the room hibernates before that", async () => {
    const { compiled } = scene();
    const room = memoryRoom(compiled);
    const ada = await room.connect("ada", null, undefined, "protocol=2");
    await leave(room, ada);
    room.start();
    await room.advance(1000);
    expect(ada.closedWith?.code).toBe(4403);
  });

  it("at a shard", async () => {
    const { compiled } = scene();
    const tree = new MemoryTree<State>(compiled);
    tree.room.neighbours.board = async () => ({ ok: true, token: "a-token" });
    const shard = tree.add("s1");
    const [plain, host] = [shard.connect("ada"), shard.connect("host")];
    const numbered = shard.connect("bob", null, "protocol=2");
    await tree.advance(100);
    shard.send(plain, { action: "go", id: "go" });
    shard.send(numbered, { action: "go", id: "go" });
    await tree.advance(100);
    for (const { texts } of [plain, numbered]) expect(texts.at(-1)).toContain('"result":"a-token"');
    const texts = [plain, numbered].map((socket) => socket.texts.length);
    shard.send(host, { action: "count", id: "count" });
    tree.room.core.handle.broadcast({ type: "hello" });
    await tree.advance(2000);
    expect(host.texts.join()).toContain("hello");
    expect(plain.texts).toHaveLength(texts[0] as number);
    expect(numbered.texts.slice(texts[1]).join()).toMatch(/^\{"type":"error".*"close":4403\}\}$/);
    expect([plain.isOpen, numbered.closedWith?.code]).toEqual([true, 4403]);
    // The same must hold after the shard and the room have lost their memory.
    shard.evict();
    tree.room.crash();
    shard.send(host, { action: "count", id: "count" });
    await tree.advance(5000);
    expect(host.texts.at(-1)).toContain('"id":"count"');
    expect(plain.texts).toHaveLength(texts[0] as number);
    expect(overviewOf(tree.room.core.parts).connections).toBe(1);
  });
});

describe("what the room still sends to a user who left", () => {
  it("is the answer to their last message, however long that takes", async () => {
    const { compiled, gate } = scene();
    const room = memoryRoom(compiled);
    const ada = await room.connect("ada", null, undefined, "protocol=2");
    const going = send(room, ada, "goSlowly");
    await settle();
    await room.advance(5000);
    expect(ada.isOpen).toBe(true);
    gate.resolve();
    await going;
    expect(ada.texts.slice(-2).map((text) => (JSON.parse(text) as { type: string }).type)).toEqual(["goto", "ack"]);
    await room.advance(1000);
    expect(ada.closedWith?.code).toBe(4403);
  });

  it("passes the interceptor with the former user", async () => {
    const { compiled, gate, seen } = scene({ isIntercepted: true });
    const room = memoryRoom(compiled);
    const ada = await room.connect("ada");
    await send(room, ada, "rename", "Ada");
    const going = send(room, ada, "goSlowly");
    await settle();
    gate.resolve();
    await going;
    expect(seen.at(-1)).toEqual(["Ada", "goto"]);
  });

  it("comes with an acknowledgement that announces no packet they do not get", async () => {
    const { compiled } = scene();
    const room = memoryRoom(compiled);
    const ada = await room.connect("ada", null, undefined, "protocol=2");
    await send(room, ada, "go");
    expect(JSON.parse(ada.texts.at(-1) as string)).toEqual({
      type: "ack",
      seq: 0,
      value: { id: "go", result: "a-token" },
    });
  });
});

describe("a connection from before its user left", () => {
  it("may do nothing as the user who has returned, and gets nothing, also after hibernation", async () => {
    const { compiled } = scene();
    const room = memoryRoom(compiled);
    const old = await room.connect("ada");
    const { publicId } = old.attachment() as { publicId: string };
    await send(room, old, "go");
    const back = {
      transferId: "t",
      sessionId: "ada",
      publicId,
      sub: undefined,
      user: { name: "Ada" },
      state: undefined,
    };
    expect(await room.core.board(back)).toMatchObject({ ok: true });
    const now = await room.connect("ada");
    const texts = old.texts.length;
    for (let slept = 0; slept < 2; slept++) {
      await send(room, now, "rename", `Ada ${slept}`);
      await send(room, old, "rename", "Mallory");
      await send(room, old, "go");
      expect(old.texts.slice(texts).every((text) => text.includes('"forbidden"'))).toBe(true);
      expect(room.state.players()[publicId]?.name()).toBe(`Ada ${slept}`);
      expect(room.core.handle.connections).toHaveLength(1);
      room.start();
    }
  });

  it("is closed if there are more than 1000", async () => {
    const { compiled } = scene();
    const room = memoryRoom(compiled);
    const sockets: MemorySocket[] = [];
    for (let index = 0; index < 1001; index++) {
      const socket = await room.connect(`user-${index}`);
      sockets.push(socket);
      await send(room, socket, "go");
    }
    expect(sockets.filter(({ isOpen }) => !isOpen)).toEqual([sockets[0]]);
  });
});

it("a user whose entry is replaced in one turn stays", async () => {
  const { compiled } = scene();
  const room = memoryRoom(compiled);
  const ada = await room.connect("ada", null, undefined, "protocol=2");
  await send(room, ada, "replace");
  await send(room, ada, "count");
  await room.advance(2000);
  expect(ada.isOpen).toBe(true);
  expect(ada.texts.join()).toContain('"count":1');
});

it("a user who is moved or removed by onJoin itself is refused, and nothing of them remains", async () => {
  const definition = defineRoom({
    path: "r",
    throttleStorage: 0,
    state: () => ({ players: users(Player) }),
    async onJoin({ room, conn, state, request }) {
      if (request.url.includes("remove")) delete state.players()[conn.publicId];
      else conn.send({ type: "goto", value: await room.sessionTransfer(conn, "other") });
    },
  });
  const room = memoryRoom(definition.compiled);
  for (const query of ["remove", "move"]) {
    const plain = await room.connect("ada", null, undefined, query);
    const numbered = await room.connect("bob", null, undefined, `${query}&protocol=2`);
    await room.advance(1000);
    expect(plain.texts.filter((text) => !text.includes("goto"))).toEqual([]);
    expect([plain.isOpen, numbered.closedWith?.code]).toEqual([true, 4403]);
    expect(overviewOf(room.core.parts)).toMatchObject({ users: 0, sessions: 0, connections: 0 });
    expect(room.state.players()).toEqual({});
  }
});

it("a factory that throws refuses the join, and nothing remains", async () => {
  let isBroken = false;
  const { compiled } = defineRoom({
    path: "r",
    state: () => ({
      players: users(() => {
        if (isBroken) throw new RoomError("forbidden", "No");
        return new Player();
      }),
    }),
  });
  const room = memoryRoom(compiled);
  isBroken = true;
  expect((await room.connect("ada")).closedWith?.code).toBe(4403);
  expect(overviewOf(room.core.parts).sessions).toBe(0);
  isBroken = false;
  expect((await room.connect("ada")).isOpen).toBe(true);
});

it("a session does not expire while its user joins", async () => {
  const gates: PromiseWithResolvers<void>[] = [];
  const { compiled } = defineRoom({
    path: "r",
    sessionExpiryTime: 1000,
    state: () => ({ players: users(Player) }),
    async onJoin({ request }) {
      if (!request.url.includes("slow")) return;
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
    },
  });
  const room = memoryRoom(compiled);
  const first = await room.connect("ada");
  const { publicId } = first.attachment() as { publicId: string };
  room.disconnect(first);
  const joining = room.connect("ada", null, undefined, "slow");
  await settle();
  await room.advance(5000);
  gates[0]?.resolve();
  expect(((await joining).attachment() as { publicId: string }).publicId).toBe(publicId);
  room.disconnect(await joining);
  const refused = room.connect("ada", null, undefined, "slow");
  await settle();
  await room.advance(5000);
  gates[1]?.reject(new RoomError("forbidden", "No"));
  await refused;
  await room.advance(1000);
  expect(overviewOf(room.core.parts).sessions).toBe(0);
});

it("a room that hibernated without other sockets knows that no client has got the change", async () => {
  const stateOf = () => ({ players: users(Player), count: sync(signal(0)) });
  const room = new MemoryRoom<ReturnType<typeof stateOf>>(
    defineRoom({ path: "r", throttleSync: 0, state: stateOf }).compiled,
  );
  const removed = await room.connect("bob");
  const { publicId } = removed.attachment() as { publicId: string };
  room.change(({ players }) => delete players()[publicId]);
  const told = removed.texts.length;
  const first = await room.connect("ada", null, undefined, "protocol=2");
  const { seq, epoch } = JSON.parse(first.texts[0] as string) as { seq: number; epoch: string };
  room.disconnect(first);
  room.change(({ count }) => count.set(5));
  await room.evict();
  const again = await room.connect("ada", null, undefined, `protocol=2&since=${seq}&epoch=${epoch}`);
  expect(JSON.parse(again.texts[0] as string)).toMatchObject({ reset: true, value: { count: 5 } });
  expect([removed.isOpen, removed.texts.length]).toEqual([true, told]);
});
