import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { overviewOf } from "../../../src/platform/object-report.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { sync } from "../../../src/state/fields.ts";
import { near } from "../../../src/state/near.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";
import { ResumingClient } from "../sync/resuming-client.ts";
import { spoken } from "../../support/spoken.ts";

/** For tests that count bytes of JSON, or compare the states of many clients. `npm run test:binary` leaves them out. */
const inJson = it.skipIf(spoken.query("protocol=2") !== "protocol=2");

class Player {
  score = sync(signal(0));
  hand = sync(signal("nothing"), { visibleTo: "owner" });
}
const stateOf = () => ({ count: sync(signal(0)), text: sync(signal("")), players: users(Player) });
type State = ReturnType<typeof stateOf>;

const LARGE = "x".repeat(1000);
/** With these settings, a client is asked for a confirmation after 6 KB and after 16 KB, and stopped after 25 KB. */
const { compiled } = defineRoom({
  path: "r",
  throttleSync: 0,
  maxUnconfirmedBytes: 100_000,
  maxSilentBytes: 100_000,
  rateLimit: { messages: 1e6, per: 1 },
  state: stateOf,
  actions: {
    count: { run: ({ state }) => (state.count.update((value) => value + 1), state.count()) },
    large: { run: () => LARGE },
    deal: { run: ({ user }, hand) => user.hand.set(hand as string) },
    kick: { run: ({ room }) => room.connections.find(({ sessionId }) => sessionId === "slow")?.close(4000, "out") },
  },
});

/** A client that answers requests for confirmations as P14.3 describes. */
class Confirming {
  readonly socket: MemorySocket;
  readonly client = new ResumingClient();
  sent = 0;
  #token: number | undefined;
  readonly #room: MemoryRoom<State>;

  constructor(room: MemoryRoom<State>, socket: MemorySocket) {
    this.#room = room;
    this.socket = socket;
    this.client.connected(socket);
    socket.onAsked = (token) => {
      const isUrgent = this.#token !== undefined;
      this.#token = token;
      if (isUrgent) this.send("");
    };
  }

  /** @param message as JSON without its first brace */
  send(message: string): void {
    this.sent++;
    const token = this.#token;
    this.#token = undefined;
    const own = token === undefined ? "{" : `{"confirm":${token}${message === "" ? "}" : ","}`;
    void this.#room.core.message(this.socket, own + message);
  }
}

async function roomWith(definition: typeof compiled, ...names: readonly string[]) {
  const room = new MemoryRoom<State>(definition);
  const clients: Confirming[] = [];
  for (const name of names) {
    clients.push(new Confirming(room, await room.connect(name, null, undefined, "protocol=2&clear=1")));
  }
  const change = (times: number) => {
    for (let time = 0; time < times; time++) {
      room.change((state) => {
        state.count.update((value) => value + 1);
        state.text.set(LARGE + String(state.count()));
      });
    }
  };
  return { room, clients: clients as [Confirming, ...Confirming[]], change };
}

it("P14.1: a client that reads is asked, and confirms with its next message", async () => {
  const { clients, change, room } = await roomWith(compiled, "ada");
  const [ada] = clients;
  for (let turn = 0; turn < 100; turn++) {
    change(1);
    ada.send('"action":"large","id":1}');
  }
  expect(ada.sent).toBe(100);
  ada.client.read();
  expect(ada.client.state["count"]).toBe(100);
  expect(overviewOf(room.core.parts).unconfirmedBytes).toBeLessThan(10_000);
});

inJson("P14.1: a client that sends nothing confirms on its own, once in a while", async () => {
  const { clients, change } = await roomWith(compiled, "ada");
  const [ada] = clients;
  change(160);
  ada.client.read();
  expect(ada.client.state["count"]).toBe(160);
  expect(ada.client.how).toEqual(["whole"]);
  // 160 packets of 1,150 bytes were confirmed with 10 messages.
  expect(ada.sent).toBe(10);
});

it("P14.2: a client that does not read gets a limited amount, and one merged patch when it reads again", async () => {
  const { room, clients, change } = await roomWith(compiled, "ada", "slow");
  const [ada, slow] = clients as [Confirming, Confirming];
  slow.socket.stall();
  change(500);
  expect(slow.socket.unreadBytes).toBeLessThan(26_000);
  expect(overviewOf(room.core.parts)).toMatchObject({ behind: 1 });
  expect(room.log.filter(({ event }) => event === "clients_behind")).toHaveLength(1);
  slow.socket.read();
  ada.client.read();
  slow.client.read();
  expect(slow.client.state["text"]).toBe(ada.client.state["text"]);
  expect(slow.client.how).toEqual(["whole", "went back"]);
  expect(overviewOf(room.core.parts)).toMatchObject({ behind: 0, merges: 1, tooSlow: 0 });
  change(1);
  slow.client.read();
  expect(slow.client.state["count"]).toBe(501);
});

it("P14.2: the merged patch includes private changes", async () => {
  const { room, clients, change } = await roomWith(compiled, "slow", "ada");
  const [slow] = clients;
  const me = () => room.state.players()[slow.client.publicId] as Player;
  slow.client.read();
  slow.socket.stall();
  change(100);
  room.change(() => me().hand.set("ace"));
  slow.socket.read();
  slow.client.read();
  expect(slow.client.state).toMatchObject({ count: 100, players: { [slow.client.publicId]: { hand: "ace" } } });
});

it("P14.4: acknowledgements of a stopped client follow the patch that they belong to, in order", async () => {
  const { clients, change } = await roomWith(compiled, "slow");
  const [slow] = clients;
  slow.socket.stall();
  change(100);
  for (let id = 1; id <= 5; id++) slow.send(`"action":"count","id":${id}}`);
  slow.socket.read();
  const packets = slow.socket.texts.map((text) => JSON.parse(text) as { type: string; seq: number; resumed?: true });
  const difference = packets.findIndex(({ resumed }) => resumed === true);
  expect(packets.slice(difference + 1)).toMatchObject([1, 2, 3, 4, 5].map((id) => ({ type: "ack", value: { id } })));
  for (const { seq } of packets.slice(difference + 1)) expect(seq).toBeLessThanOrEqual(packets[difference]?.seq ?? 0);
});

it("P14.4: if many answers wait, further messages are not handled before they are sent", async () => {
  const { room, clients, change } = await roomWith(compiled, "slow");
  const [slow] = clients;
  slow.socket.stall();
  change(100);
  for (let id = 1; id <= 400; id++) slow.send(`"action":"count","id":${id}}`);
  expect(room.state.count()).toBeLessThan(100 + 200);
  slow.socket.read();
  for (let step = 0; step < 50 && room.state.count() < 500; step++) await Promise.resolve();
  expect(room.state.count()).toBe(500);
  const acks = slow.socket.texts.map((text) => JSON.parse(text) as { type: string; value: { id: number } });
  expect(acks.filter(({ type }) => type === "ack").map(({ value }) => value.id)).toEqual(
    Array.from({ length: 400 }, (_, index) => index + 1),
  );
});

it("P14.5: the room's own packets wait up to a limit, and the latest of a name is kept", async () => {
  const { room, clients, change } = await roomWith(compiled, "slow");
  const [slow] = clients;
  slow.socket.stall();
  change(100);
  for (let index = 0; index < 200; index++) room.core.handle.broadcast({ type: "said", value: index });
  for (let index = 0; index < 50; index++) room.core.handle.broadcast({ type: "at", value: index }, { latest: "at" });
  slow.socket.read();
  const packets = slow.socket.texts.map((text) => JSON.parse(text) as { type: string; value: number });
  const said = packets.filter(({ type }) => type === "said").map(({ value }) => value);
  expect(said).toEqual(Array.from({ length: 127 }, (_, index) => index + 73));
  expect(packets.filter(({ type }) => type === "at")).toEqual([{ type: "at", value: 49 }]);
});

it("P14.6: above the total limit, clients with the most are stopped first, and none gets much more than its share", async () => {
  const names = Array.from({ length: 20 }, (_, index) => `slow-${index}`);
  const { room, clients, change } = await roomWith(compiled, ...names, "ada");
  const ada = clients.at(-1) as Confirming;
  for (const slow of clients.slice(0, -1)) slow.socket.stall();
  change(300);
  const unread = clients.reduce((sum, { socket }) => sum + socket.unreadBytes, 0);
  expect(unread).toBeLessThan(2 * 100_000);
  ada.client.read();
  expect(ada.client.state["count"]).toBe(300);
  expect(overviewOf(room.core.parts)).toMatchObject({ behind: 20 });
  for (const { socket } of clients) socket.read();
  await room.advance(1000);
  for (const { client } of clients) {
    client.read();
    expect(client.state["text"]).toBe(ada.client.state["text"]);
  }
});

it("P14.6: confirmations of many clients with a small limit do not cause requests for ever", async () => {
  const { compiled: narrow } = defineRoom({ ...compiled.definition, maxUnconfirmedBytes: 10_000 } as never);
  const room = new MemoryRoom<State>(narrow);
  const asked: (readonly [MemorySocket, number])[] = [];
  for (let index = 0; index < 100; index++) {
    const socket = await room.connect(`reader-${index}`, null, undefined, "protocol=2&clear=1");
    socket.onAsked = (token) => asked.push([socket, token]);
  }
  room.change((state) => state.text.set(LARGE));
  let requests = 0;
  for (let time = 0; time < 20_000; time += 50) {
    requests += asked.length;
    for (const [socket, token] of asked.splice(0)) void room.core.message(socket, `{"confirm":${token}}`);
    await room.advance(50);
  }
  // Each is asked twice when it is stopped, and it may be stopped again by what it missed.
  expect(requests).toBeLessThan(100 * 10);
  expect(asked).toEqual([]);
  expect(overviewOf(room.core.parts)).toMatchObject({ behind: 0 });
  for (const { clients } of room.sockets) expect(clients[0]?.state).toMatchObject({ text: LARGE });
});

inJson("P14.6: closed clients of protocol 1 do not count, however much they were sent", async () => {
  const { compiled: unbounded } = defineRoom({ ...compiled.definition, maxSilentBytes: undefined } as never);
  const names = Array.from({ length: 20 }, (_, index) => `reader-${index}`);
  const { room, clients, change } = await roomWith(unbounded, ...names);
  const [slow, ada] = clients as [Confirming, Confirming];
  await room.connect("slow");
  change(200);
  ada.send('"action":"kick"}');
  expect(overviewOf(room.core.parts).unconfirmedBytes).toBeLessThan(100_000);
  slow.socket.stall();
  change(10);
  expect(slow.socket.unreadBytes).toBeGreaterThan(10_000);
  expect(overviewOf(room.core.parts)).toMatchObject({ connections: 20, behind: 0 });
});

it("P14.6: clients of protocol 1 take no share of the bytes that others may have unconfirmed", async () => {
  const stalled = ["one", "two", "three", "four"];
  const { room, clients, change } = await roomWith(compiled, ...stalled, "slow");
  for (let index = 0; index < 40; index++) await room.connect(`old-${index}`);
  for (const { socket } of clients.slice(0, 4)) socket.stall();
  change(25);
  expect(overviewOf(room.core.parts).behind).toBe(4);
  clients.at(-1)?.socket.stall();
  change(10);
  expect(overviewOf(room.core.parts).behind).toBe(4);
});

it("P14.7: a client that confirms nothing for 90 seconds is closed, and may reconnect", async () => {
  const { room, clients, change } = await roomWith(compiled, "ada", "slow");
  const [ada, slow] = clients as [Confirming, Confirming];
  slow.socket.stall();
  change(100);
  await room.advance(85_000);
  expect(slow.socket.closedWith).toBeUndefined();
  await room.advance(10_000);
  expect(slow.socket.closedWith?.code).toBe(4504);
  expect(overviewOf(room.core.parts)).toMatchObject({ behind: 0, merges: 0, tooSlow: 1 });
  expect(ada.socket.isOpen).toBe(true);
  // Its bytes count until its socket has closed.
  expect(overviewOf(room.core.parts).unconfirmedBytes).toBeGreaterThan(20_000);
  room.disconnect(slow.socket);
  expect(overviewOf(room.core.parts).unconfirmedBytes).toBeLessThan(20_000);
  expect(room.clock.pending).toBe(0);
});

it("P14.8: clients of protocol 1 are closed if they are sent too much without a sign of life, the largest first", async () => {
  const room = new MemoryRoom<State>(compiled);
  const [one, other] = [await room.connect("one"), await room.connect("other")];
  const change = () => room.change((state) => state.text.set(LARGE + String(Math.random())));
  for (let turn = 0; turn < 70; turn++) {
    change();
    if (turn % 5 === 0) void room.core.message(other, '{"action":"none"}');
  }
  expect(one.isOpen && other.isOpen).toBe(true);
  for (let turn = 0; turn < 60; turn++) {
    change();
    if (turn % 5 === 0) void room.core.message(other, '{"action":"none"}');
  }
  expect(one.closedWith?.code).toBe(4504);
  expect(other.isOpen).toBe(true);
  room.disconnect(one);
  for (let turn = 0; turn < 200; turn++) {
    change();
    // The runtime answers pings itself.
    if (turn % 20 === 0) other.pingedAt = room.clock.now() + turn;
    await room.advance(1);
  }
  expect(other.isOpen).toBe(true);
});

it("P14.1: a room that hibernated still knows how much is unconfirmed", async () => {
  const { room, clients, change } = await roomWith(compiled, "slow");
  const [slow] = clients;
  slow.socket.stall();
  for (let turn = 0; turn < 30; turn++) {
    change(2);
    await room.evict();
  }
  expect(slow.socket.unreadBytes).toBeLessThan(30_000);
});

it("unknown confirmations count as messages, and are refused only if there are too many", async () => {
  const limited = defineRoom({ path: "r", rateLimit: { messages: 10, per: 1000 }, state: stateOf }).compiled;
  const room = new MemoryRoom<State>(limited);
  const socket = await room.connect("ada", null, undefined, "protocol=2&clear=1");
  for (let index = 0; index < 10; index++) void room.core.message(socket, `{"confirm":${index}}`);
  expect(socket.texts).toHaveLength(1);
  for (let index = 0; index < 20; index++) void room.core.message(socket, `{"confirm":${index}}`);
  expect(socket.closedWith?.code).toBe(4429);
});

it("P13.6: who is stopped before the first packet is told the tables of what it sees when it gets that", async () => {
  class Walker {
    x = sync(signal(0));
    y = sync(signal(0));
  }
  const walkers = () => ({ players: users(Walker, { visibleTo: near({ x: "x", y: "y", radius: 9 }) }) });
  const settings = { path: "r", autoSync: false, throttleSync: 0, maxUnconfirmedBytes: 10_000 };
  const room = new MemoryRoom<ReturnType<typeof walkers>>(defineRoom({ ...settings, state: walkers }).compiled);
  await room.connect("other", null, undefined, "protocol=2");
  const socket = await room.connect("ada", null, undefined, "protocol=2&protocol=3");
  socket.stall();
  for (let packet = 0; packet < 20; packet++) room.core.handle.broadcast({ type: "noise", value: LARGE });
  expect(overviewOf(room.core.parts).behind).toBe(1);
  room.core.handle.applySync();
  socket.read();
  await room.advance(1000);
  room.core.handle.applySync();
  await room.advance(1000);
  const [player] = Object.values(room.state.players());
  for (const x of [1, 2]) {
    room.change(() => player?.x.set(x));
    room.core.handle.applySync();
  }
  expect(socket.malformed).toEqual([]);
  expect(socket.clients[0]?.state).toHaveProperty("players");
});

inJson("P14.5: packets that wait for many stopped clients are dropped, and cost nobody the connection", async () => {
  const names = Array.from({ length: 80 }, (_, index) => `slow-${index}`);
  const { room, clients, change } = await roomWith(compiled, ...names, "ada");
  const stopped = clients.slice(0, -1);
  for (const { socket } of stopped) socket.stall();
  change(60);
  for (let index = 0; index < 200; index++) room.core.handle.broadcast({ type: "said", value: index });
  expect(overviewOf(room.core.parts).behind).toBe(80);
  for (const { socket } of clients) expect(socket.closedWith).toBeUndefined();
  for (const { socket } of stopped) socket.read();
  await room.advance(1000);
  for (const { client } of clients) {
    client.read();
    expect(client.state["count"]).toBe(60);
  }
});
