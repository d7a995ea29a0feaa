import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";
import type { MemorySocket } from "../support/memory.ts";
import { call } from "./support.ts";

const LARGE = "x".repeat(240_000);
const stateOf = () => ({ count: sync(signal(0)) });
type State = ReturnType<typeof stateOf>;
const common = { path: "r", throttleSync: 0, rateLimit: { messages: 1e6, per: 1 }, state: stateOf } as const;
const read = { run: () => LARGE };
const count = { run: ({ state }: { state: State }) => state.count.update((value) => value + 1) };

/** A room whose interceptor never finishes for one client. */
async function interceptedRoom() {
  const definition = defineRoom({
    ...common,
    actions: {
      read,
      count,
      kick: { run: ({ room }) => room.connections.find(({ sessionId }) => sessionId === "stuck")?.close() },
    },
    interceptorPacket: ({ conn }, packet) => (conn.sessionId === "stuck" ? new Promise<never>(() => {}) : packet),
  });
  const room = new MemoryRoom<State>(definition.compiled);
  return { room, good: await room.connect("good"), stuck: await room.connect("stuck") };
}

async function expectServed(room: MemoryRoom<State>, good: MemorySocket): Promise<void> {
  expect(good.isOpen).toBe(true);
  expect(await call(room as never, good, "read")).toMatchObject({ result: LARGE });
}

it("answers behind a packet that is never released are limited: then the client is closed", async () => {
  const { room, good, stuck } = await interceptedRoom();
  for (let asked = 0; asked < 15; asked++) await room.core.message(stuck, `{"action":"read","id":${asked}}`);
  expect(stuck.isOpen).toBe(true);
  for (let asked = 15; asked < 30; asked++) await room.core.message(stuck, `{"action":"read","id":${asked}}`);
  expect(stuck.closedWith?.code).toBe(4429);
  expect(room.core.handle.connections).toHaveLength(1);
  await expectServed(room, good);
});

it("changes are limited too, and each counts as at least 2,000 characters", async () => {
  const { room, good, stuck } = await interceptedRoom();
  for (let changes = 0; changes < 1990; changes++) room.change((state) => state.count.update((value) => value + 1));
  expect(stuck.isOpen).toBe(true);
  for (let changes = 0; changes < 100; changes++) room.change((state) => state.count.update((value) => value + 1));
  expect(stuck.closedWith?.code).toBe(4429);
  await expectServed(room, good);
});

it("a client whose interceptor takes more than 30 seconds is closed with 1011, and the failure is reported", async () => {
  const { room, good, stuck } = await interceptedRoom();
  await room.advance(29_000);
  expect(stuck.isOpen).toBe(true);
  await room.advance(2000);
  for (let step = 0; step < 20; step++) await Promise.resolve();
  expect(stuck.closedWith?.code).toBe(1011);
  expect(room.log.map(({ event }) => event)).toContain("interceptorPacket_failed");
  await expectServed(room, good);
});

it("a client that is being closed gets the pending packets first, and its messages are ignored", async () => {
  const { room, good, stuck } = await interceptedRoom();
  await call(room as never, good, "kick");
  expect(stuck.isOpen).toBe(true);
  await room.core.message(stuck, '{"action":"count"}');
  expect(room.state.count()).toBe(0);
  await room.advance(31_000);
  expect(stuck.isOpen).toBe(false);
});

it("packets for a user whose onJoin never ends are limited", async () => {
  const definition = defineRoom({
    ...common,
    actions: { read, shout: { run: ({ room }) => room.broadcast({ type: "noise", value: LARGE }) } },
    onJoin: ({ conn }) => (conn.sessionId === "stuck" ? new Promise<never>(() => {}) : undefined),
  });
  const room = new MemoryRoom<State>(definition.compiled);
  const good = await room.connect("good");
  void room.connect("stuck");
  for (let shouts = 0; shouts < 15; shouts++) await call(room as never, good, "shout");
  expect(room.core.handle.connections).toHaveLength(2);
  for (let shouts = 0; shouts < 5; shouts++) await call(room as never, good, "shout");
  expect(room.core.handle.connections).toHaveLength(1);
  await expectServed(room, good);
});

it("messages that wait while the room starts have the same limits", async () => {
  const started = Promise.withResolvers<void>();
  const definition = defineRoom({ ...common, actions: { read, count }, onStart: () => started.promise });
  const room = new MemoryRoom<State>(definition.compiled);
  const connecting = room.connect("early");
  started.resolve();
  const socket = await connecting;
  const again = Promise.withResolvers<void>();
  // The object hibernates and wakes while its sockets stay open.
  await room.deploy(defineRoom({ ...common, actions: { read, count }, onStart: () => again.promise }).compiled);
  const frame = JSON.stringify({ action: "count", value: LARGE.slice(0, 60_000) });
  for (let sent = 0; sent < 30; sent++) void room.core.message(socket, frame);
  expect(socket.isOpen).toBe(true);
  for (let sent = 0; sent < 10; sent++) void room.core.message(socket, frame);
  expect(socket.closedWith?.code).toBe(4429);
  again.resolve();
});
