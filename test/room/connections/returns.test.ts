import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { connected, sync } from "../../../src/state/fields.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";
import { ResumingClient } from "../sync/resuming-client.ts";

class Player {
  online = connected();
  name = sync(signal("somebody"));
}
const stateOf = () => ({ count: sync(signal(0)), players: users(Player) });
type State = ReturnType<typeof stateOf>;
const options = { path: "r", joinRate: { joins: 1e6, per: 1 }, state: stateOf } as const;
const { compiled } = defineRoom(options);

async function join(room: MemoryRoom<State>, name: string, client: ResumingClient): Promise<void> {
  client.connected(await room.connect(name, null, undefined, client.query));
  client.read();
}

async function roomWith(...names: readonly string[]) {
  const room = new MemoryRoom<State>(compiled);
  const clients = new Map<string, ResumingClient>();
  for (const name of names) {
    clients.set(name, new ResumingClient());
    await join(room, name, clients.get(name) as ResumingClient);
  }
  // Wait until everything is stored, and the clients were told so.
  await room.advance(2000);
  room.change((state) => state.count.set(1));
  for (const client of clients.values()) client.read();
  const of = (name: string) => clients.get(name) as ResumingClient;
  return { room, of, isOnline: (name: string) => room.state.players()[of(name).publicId]?.online() };
}

it("P7.11: after a crash, users who reconnect are never shown offline, and get no packet about it", async () => {
  const { room, of, isOnline } = await roomWith("ada", "bob", "eve");
  await room.advance(2000);
  room.crash();
  await join(room, "ada", of("ada"));
  const whole = of("ada").state;
  expect(of("ada").how).toEqual(["whole", "went back"]);
  await room.advance(3000);
  await join(room, "bob", of("bob"));
  of("ada").read();
  expect(of("ada").state).toEqual(whole);
  expect(of("bob").state).toEqual(whole);
  await room.advance(10_000);
  expect([isOnline("ada"), isOnline("bob"), isOnline("eve")]).toEqual([true, true, false]);
  of("ada").read();
  expect(of("ada").state).toMatchObject({ players: { [of("eve").publicId]: { online: false } } });
});

it("P7.11: the first packet after a crash has the difference to the stored state, without changes of who is online", async () => {
  const { room, of } = await roomWith("ada", "bob", "eve");
  room.crash();
  const socket = await room.connect("ada", null, undefined, of("ada").query);
  expect(socket.texts[0]).toMatch(/"resumed":true.*"value":\{\}\}$/);
});

it("P7.11: a user who left before the crash is offline for clients that were away longer, and after the next crash", async () => {
  const { room, of, isOnline } = await roomWith("ada", "bob", "eve");
  room.disconnect(room.sockets[0] as never);
  await room.advance(3000);
  room.disconnect(room.sockets.find((socket) => socket.texts[0]?.includes(of("bob").publicId)) as never);
  await room.advance(3000);
  for (let life = 0; life < 3; life++) {
    room.crash();
    await join(room, "ada", of("ada"));
    expect([isOnline("ada"), isOnline("bob"), isOnline("eve")]).toEqual([true, false, life === 0]);
    const players = of("ada").state["players"] as Record<string, { online: boolean }>;
    expect(players[of("bob").publicId]?.online).toBe(false);
    await room.advance(life === 0 ? 15_000 : 3000);
    of("ada").read();
    const fresh = new ResumingClient();
    await join(room, "ada", fresh);
    expect(of("ada").state).toEqual(fresh.state);
  }
});

it("P7.11: a room waits for nobody any more when all have come back, and not for those who left while it slept", async () => {
  const { room, of, isOnline } = await roomWith("ada", "bob");
  room.crash();
  await join(room, "ada", of("ada"));
  expect(room.isIdle).toBe(false);
  await join(room, "bob", of("bob"));
  await room.advance(1000);
  expect(room.isIdle).toBe(true);
  // The client closed the socket while the room was hibernating.
  room.sockets = room.sockets.slice(1);
  await room.evict();
  expect([isOnline("ada"), isOnline("bob")]).toEqual([false, true]);
});

it("P7.11: a user whose entry is replaced while they may reconnect is online, also after the next crash", async () => {
  const { room, of, isOnline } = await roomWith("ada", "bob");
  room.crash();
  room.change((state) => (state.players()[of("bob").publicId] = new Player()));
  expect(isOnline("bob")).toBe(true);
  await room.advance(3000);
  await join(room, "ada", of("ada"));
  room.crash();
  await join(room, "ada", of("ada"));
  const players = of("ada").state["players"] as Record<string, { online: boolean }>;
  expect([isOnline("bob"), players[of("bob").publicId]?.online]).toEqual([true, true]);
});

it("P7.11: a user who is removed while they may reconnect returns as a new user", async () => {
  const { room, of } = await roomWith("ada", "bob");
  room.crash();
  room.change((state) => delete state.players()[of("bob").publicId]);
  const before = of("bob").publicId;
  await join(room, "bob", of("bob"));
  expect(of("bob").publicId).not.toBe(before);
  await room.advance(3000);
  expect([...room.storage.rows.keys()].filter((key) => key.startsWith("$session:"))).toHaveLength(2);
});

it.each(["protocol=2", "protocol=2&protocol=3"])(
  "P7.11: a room tells clients how long to spread their reconnects, depending on their number: %s",
  async (protocol) => {
    const room = new MemoryRoom<State>(defineRoom({ ...options, maxUnconfirmedBytes: 200_000 }).compiled);
    const enter = async (from: number, to: number) => {
      for (let index = from; index < to; index++) await room.connect(`user-${index}`, null, undefined, protocol);
      await room.advance(100);
      return room.sockets.at(-1);
    };
    const early = await enter(0, 200);
    expect(JSON.parse(early?.lastRequest ?? "{}")).toMatchObject({ type: "sync", spread: 400, value: {} });
    const late = await enter(200, 600);
    expect(JSON.parse(late?.lastRequest ?? "{}")).toMatchObject({ spread: 1200 });
  },
);

it("P7.11: while too much is unconfirmed, first packets are sent one at a time, in the order of the joins", async () => {
  const room = new MemoryRoom<{ text(): string }>(
    defineRoom({
      path: "r",
      throttleSync: 50,
      maxUnconfirmedBytes: 100_000,
      state: () => ({ text: sync(signal("x".repeat(10_000))) }),
      actions: { nothing: { run: () => "done" } },
    }).compiled,
  );
  const first = await room.connect("first", null, undefined, "protocol=2");
  const sockets: MemorySocket[] = [];
  for (let index = 0; index < 40; index++) {
    sockets.push(await room.connect(`late-${index}`, null, undefined, "protocol=2"));
    sockets[index]?.stall();
  }
  const served = () => sockets.map((socket) => socket.unreadBytes > 0 || socket.texts.length > 0);
  const inOrder = (count: number) => sockets.map((_, index) => index < count);
  await room.advance(50);
  const atOnce = served().filter(Boolean).length;
  expect(atOnce).toBeLessThan(15);
  expect(served()).toEqual(inOrder(atOnce));
  // Connected clients are served meanwhile.
  void room.core.message(first, '{"action":"nothing","id":1}');
  expect(first.texts.at(-1)).toContain("done");
  await room.advance(250);
  expect(served()).toEqual(inOrder(atOnce + 5));
  for (const socket of sockets) socket.read();
  await room.advance(200);
  expect(served()).toEqual(inOrder(40));
  for (const { texts } of sockets) expect(texts[0]).toContain("pId");
});

it("P7.11: where packets are sent by hand, all get their first packet with the next", async () => {
  const room = new MemoryRoom<{ text(): string }>(
    defineRoom({
      path: "r",
      autoSync: false,
      maxUnconfirmedBytes: 100_000,
      state: () => ({ text: sync(signal("x".repeat(10_000))) }),
    }).compiled,
  );
  const sockets: MemorySocket[] = [];
  for (let index = 0; index < 40; index++) {
    sockets.push(await room.connect(`late-${index}`, null, undefined, "protocol=2"));
    sockets[index]?.stall();
  }
  room.core.handle.applySync();
  expect(sockets.every((socket) => socket.unreadBytes > 0)).toBe(true);
});
