import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Claims } from "../../src/define/types.ts";
import { AddressLimit, MOST_NETWORKS } from "../../src/platform/address-limit.ts";
import type { TransferredUser } from "../../src/room/transfers/messages.ts";
import { users } from "../../src/app/users.ts";
import { persist, sync } from "../../src/state/fields.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import { MemoryRoom, MemorySocket } from "../support/memory.ts";
import { call } from "./support.ts";

class Player {
  name = sync(signal("somebody"));
  score = persist(signal(0));
}
const stateOf = () => ({ players: users(Player) });
type State = ReturnType<typeof stateOf>;
const MOST_AWAY = 50;
const definition = defineRoom({
  path: "r",
  throttleSync: 0,
  throttleStorage: 0,
  maxOfflineSessions: MOST_AWAY,
  state: stateOf,
  actions: {
    score: { run: ({ user }) => user.score.update((score) => score + 1) },
    go: { run: ({ room, conn }) => room.sessionTransfer(conn, "another") },
  },
});

/** Connects a client from an IP address, which Cloudflare passes in a header. */
async function from(
  room: MemoryRoom<State>,
  address: string | undefined,
  sessionId?: string,
  auth: Claims | null = null,
): Promise<MemorySocket> {
  const socket = new MemorySocket(undefined);
  const headers: HeadersInit = address === undefined ? {} : { "cf-connecting-ip": address };
  await room.core.connect({
    request: new Request("http://room/", { headers }),
    auth,
    sessionId,
    transferToken: undefined,
    socket,
  });
  if (socket.isOpen) room.sockets.push(socket);
  return socket;
}
async function many(room: MemoryRoom<State>, count: number, address: (index: number) => string | undefined) {
  const sockets = await Promise.all(Array.from({ length: count }, (_, index) => from(room, address(index))));
  return { open: sockets.filter(({ isOpen }) => isOpen), refused: sockets.filter(({ isOpen }) => !isOpen) };
}

describe("P7.9: joins from one address", () => {
  it("are refused with 4503 if there are too many, so that clients try again, and other addresses can join", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    const flood = await many(room, 1000, () => "192.0.2.1");
    expect(flood.open.length).toBeGreaterThanOrEqual(200);
    expect(flood.open.length).toBeLessThan(300);
    for (const { closedWith } of flood.refused) expect(closedWith?.code).toBe(4503);
    expect((await from(room, "192.0.2.2")).isOpen).toBe(true);
    // The refused clients left neither users nor sessions behind.
    expect(Object.keys(room.state.players())).toHaveLength(flood.open.length + 1);
  });

  it("are accepted 200 at once, as from a school, and again after a while", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    expect((await many(room, 200, () => "192.0.2.1")).refused).toEqual([]);
    await room.advance(60_000);
    expect((await many(room, 200, () => "192.0.2.1")).refused).toEqual([]);
  });

  it("are counted for a whole IPv6 network, whose owner chooses the rest of the address", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    const flood = await many(room, 1000, (index) => `2001:db8:1:2::${index.toString(16)}`);
    expect(flood.open.length).toBeLessThan(300);
    expect((await from(room, "2001:db8:1:3::1")).isOpen).toBe(true);
    expect((await from(room, "2001:0DB8:0001:0002:ffff::1")).isOpen).toBe(false);
  });

  it("are not counted if the address is unknown", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    expect((await many(room, 1000, () => undefined)).refused).toEqual([]);
  });

  it("are counted at a shard too, and connected clients there are not disturbed", async () => {
    const tree = new MemoryTree<State>(definition.compiled);
    const shard = tree.add("s", 5000);
    const good = shard.connect("good");
    const join = () => {
      const socket = new MemorySocket(undefined);
      shard.sockets.push(socket);
      const request = { url: "http://room/", headers: [["cf-connecting-ip", "192.0.2.1"]] as const, cf: undefined };
      void shard.core.join(socket, { request, auth: null, sessionId: undefined, transferToken: undefined });
      return socket;
    };
    const flood = Array.from({ length: 1000 }, join);
    await tree.advance(2000);
    const refused = flood.filter(({ isOpen }) => !isOpen);
    expect(refused.length).toBeGreaterThan(700);
    for (const { closedWith } of refused) expect(closedWith?.code).toBe(4503);
    expect(good.isOpen).toBe(true);
  });
});

it("10,000 networks are remembered at most: the one that was quiet for longest is forgotten", () => {
  const limit = new AddressLimit({ messages: 1, per: 60_000 });
  const from = (address: string) => limit.wait(new Headers({ "cf-connecting-ip": address }), 1000);
  expect(from("192.0.2.1")).toBe(0);
  expect(from("192.0.2.1")).toBeGreaterThan(0);
  for (let index = 0; index < MOST_NETWORKS - 1; index++)
    from(`2001:db8:${(index >> 8).toString(16)}:${index & 255}::1`);
  expect(limit.size).toBe(MOST_NETWORKS);
  expect(from("192.0.2.1")).toBeGreaterThan(0);
  for (let index = 0; index < MOST_NETWORKS; index++) from(`2001:db9:${(index >> 8).toString(16)}:${index & 255}::1`);
  expect(limit.size).toBe(MOST_NETWORKS);
  expect(from("192.0.2.1")).toBe(0);
});

describe("a user who is offline is kept", () => {
  it.each([
    ["who did something", null],
    ["who has a token", { sub: "ada" }],
  ])("%s, however many other users come and go", async (_, auth) => {
    const room = new MemoryRoom<State>(definition.compiled);
    const player = await room.connect("player", auth);
    if (!auth) await call(room as never, player, "score");
    const [publicId] = Object.keys(room.state.players()) as [string];
    room.disconnect(player);
    // Each of them connects from another address.
    for (let index = 0; index < 10 * MOST_AWAY; index++) {
      await room.advance(10);
      room.disconnect(await from(room, `198.51.${index >> 8}.${index & 255}`));
    }
    expect(Object.keys(room.state.players())).toContain(publicId);
    const again = await room.connect("player", auth);
    expect(again.texts[0]).toContain(publicId);
    expect(Object.keys(room.state.players()).length).toBeLessThanOrEqual(MOST_AWAY + 1);
  });

  it("after a restart", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    const player = await room.connect("player");
    await call(room as never, player, "score");
    const [publicId] = Object.keys(room.state.players()) as [string];
    room.disconnect(player);
    for (let index = 1; index < MOST_AWAY; index++) {
      await room.advance(10);
      room.disconnect(await room.connect(`stranger-${index}`));
    }
    room.crash();
    for (let index = 1; index < MOST_AWAY; index++) {
      await room.advance(10);
      const other = await room.connect(`player-${index}`);
      await call(room as never, other, "score");
      room.disconnect(other);
    }
    expect(Object.keys(room.state.players())).toContain(publicId);
  });

  it("after they returned from a cancelled transfer", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    let away: TransferredUser | null = null;
    room.neighbours = {
      ...room.neighbours,
      board: async (_to, user) => {
        away = user;
        return { ok: true, token: "theirs" };
      },
      recall: async () => ({ arrived: false, passenger: away }),
    };
    const player = await room.connect("player");
    await call(room as never, player, "score");
    await call(room as never, player, "go");
    expect(room.core.sessions.find("player")).toBeUndefined();
    room.disconnect(player);
    room.disconnect(await room.connect("player"));
    for (let index = 0; index < 2 * MOST_AWAY; index++) {
      await room.advance(10);
      room.disconnect(await room.connect(`stranger-${index}`));
    }
    expect(room.core.sessions.find("player")).toBeDefined();
  });

  it("if the room hibernated between their action and their leave", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    const player = await room.connect("player");
    await call(room as never, player, "score");
    await room.evict();
    room.disconnect(player);
    for (let index = 0; index < 2 * MOST_AWAY; index++) {
      await room.advance(10);
      room.disconnect(await room.connect(`stranger-${index}`));
    }
    expect(room.core.sessions.find("player")).toBeDefined();
  });

  it("only a limited number of users who called an action is kept: those who left first are removed first", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    for (let index = 0; index < MOST_AWAY + 10; index++) {
      await room.advance(10);
      const player = await room.connect(`player-${index}`);
      await call(room as never, player, "score");
      room.disconnect(player);
    }
    expect(Object.keys(room.state.players())).toHaveLength(MOST_AWAY);
    expect(room.core.sessions.find("player-9")).toBeUndefined();
    expect(room.core.sessions.find("player-10")).toBeDefined();
  });
});

it("the first packet stays small, however many users came and went", async () => {
  const room = new MemoryRoom<State>(
    defineRoom({ path: "r", throttleSync: 0, throttleStorage: 0, state: stateOf }).compiled,
  );
  for (let index = 0; index < 1200; index++) {
    await room.advance(10);
    room.disconnect(await from(room, `198.51.${index >> 8}.${index & 255}`));
  }
  const newcomer = await room.connect("newcomer");
  await room.advance(100);
  expect(Object.keys(room.state.players())).toHaveLength(1001);
  expect(newcomer.texts[0]?.length).toBeLessThan(60_000);
});
