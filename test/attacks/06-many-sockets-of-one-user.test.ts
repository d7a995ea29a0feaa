import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import type { RoomConnection } from "../../src/room/connections/connection.ts";
import { users } from "../../src/app/users.ts";
import { connected, sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";
import type { MemorySocket } from "../support/memory.ts";
import { call, ROOM_BUDGET } from "./support.ts";

class Player {
  online = connected();
}
const stateOf = () => ({ players: users(Player), count: sync(signal(0)) });
type State = ReturnType<typeof stateOf>;
let release = Promise.withResolvers<void>();
const definition = defineRoom({
  path: "r",
  throttleSync: 0,
  rateLimit: { messages: 1e6, per: 1 },
  state: stateOf,
  actions: {
    slow: { run: () => release.promise },
    count: { run: ({ state }) => state.count.update((count) => count + 1) },
  },
});
const FRAME = JSON.stringify({ action: "count", value: "x".repeat(60_000) });

/** Sends 1.9 MB of messages that wait behind a slow action. That is within the limit of one socket. */
function fill(room: MemoryRoom<State>, socket: MemorySocket, frame = FRAME, frames = 31): void {
  void room.core.message(socket, '{"action":"slow"}');
  for (let sent = 0; sent < frames; sent++) void room.core.message(socket, frame);
}

/** The number of messages that wait in a room's open connections, and their total bytes if each is `FRAME`. */
function waitingIn(room: MemoryRoom<State>) {
  const connections = room.core.handle.connections as readonly RoomConnection[];
  const messages = connections.reduce((sum, { inbox }) => sum + (inbox?.length ?? 0), 0);
  return { messages, bytes: messages * FRAME.length };
}

async function expectServed(room: MemoryRoom<State>, good: MemorySocket): Promise<void> {
  expect(good.isOpen).toBe(true);
  expect(await call(room as never, good, "count")).toMatchObject({ text: expect.stringContaining('"ack"') });
}

async function newRoom() {
  release = Promise.withResolvers<void>();
  const room = new MemoryRoom<State>(definition.compiled);
  return { room, good: await room.connect("good") };
}

it("80 sockets of one user cannot hold more waiting messages than a few sockets can", async () => {
  const { room, good } = await newRoom();
  for (let index = 0; index < 80; index++) {
    const socket = await room.connect("flooder");
    if (socket.isOpen) fill(room, socket);
  }
  expect(waitingIn(room).bytes).toBeLessThan(5_000_000);
  await expectServed(room, good);
  release.resolve();
});

it("nor can many small messages of these sockets", async () => {
  const { room, good } = await newRoom();
  for (let index = 0; index < 80; index++) {
    const socket = await room.connect("flooder");
    if (socket.isOpen) fill(room, socket, '{"action":"count"}', 999);
  }
  expect(waitingIn(room).messages).toBeLessThan(5000);
  await expectServed(room, good);
  release.resolve();
});

it("a user has a limited number of sockets: a further one is refused with 4429, and open ones stay", async () => {
  const { room, good } = await newRoom();
  const sockets: MemorySocket[] = [];
  for (let index = 0; index < 200; index++) sockets.push(await room.connect("flooder"));
  const open = sockets.filter((socket) => socket.isOpen);
  expect(open.length).toBeGreaterThanOrEqual(10);
  expect(open.length).toBeLessThanOrEqual(64);
  expect(sockets.slice(0, open.length)).toEqual(open);
  for (const socket of sockets.slice(open.length)) expect(socket.closedWith?.code).toBe(4429);
  // A connection that closes frees its place.
  room.disconnect(open[0] as MemorySocket);
  expect((await room.connect("flooder")).isOpen).toBe(true);
  await expectServed(room, good);
});

it("200 users together cannot fill a room's memory with waiting messages: the client with the most is closed", async () => {
  const { room, good } = await newRoom();
  const flooders: MemorySocket[] = [];
  for (let index = 0; index < 200; index++) {
    const socket = await room.connect(`flooder-${index}`);
    flooders.push(socket);
    fill(room, socket);
  }
  expect(waitingIn(room).bytes).toBeLessThan(ROOM_BUDGET);
  expect(flooders.filter(({ closedWith }) => closedWith?.code === 4429).length).toBeGreaterThan(150);
  await expectServed(room, good);
  release.resolve();
});

it("a user with few waiting messages is not closed because of others", async () => {
  const { room, good } = await newRoom();
  const done = room.core.message(good, '{"action":"slow"}');
  void room.core.message(good, '{"action":"count","id":"waits"}');
  for (let index = 0; index < 200; index++) fill(room, await room.connect(`flooder-${index}`));
  expect(good.isOpen).toBe(true);
  expect(waitingIn(room).bytes).toBeLessThan(ROOM_BUDGET);
  release.resolve();
  await done;
  expect(good.texts.some((text) => text.includes('"waits"'))).toBe(true);
});

it("messages that the room has handled no longer count", async () => {
  const { room } = await newRoom();
  const socket = await room.connect("busy");
  for (let round = 0; round < 20; round++) {
    release = Promise.withResolvers<void>();
    void room.core.message(socket, '{"action":"slow"}');
    for (let sent = 0; sent < 30; sent++) void room.core.message(socket, FRAME);
    void room.core.message(socket, `{"action":"count","id":"round-${round}"}`);
    release.resolve();
    for (let step = 0; step < 200; step++) await Promise.resolve();
    expect(socket.texts.at(-1)).toContain(`"round-${round}"`);
  }
  expect(socket.isOpen).toBe(true);
  expect(waitingIn(room)).toEqual({ bytes: 0, messages: 0 });
});
