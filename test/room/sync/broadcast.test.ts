import { signal } from "@signe/reactive";
import { afterEach, describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, connected, sync } from "../../../src/state/fields.ts";
import { MemoryRoom, VirtualClock } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

class Player {
  team = sync(signal("red"));
  online = connected();
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
  plan = sync(signal("?"), {
    visibleTo: (viewer, owner) => viewer.publicId === owner || (viewer.user as Player | undefined)?.team() === "red",
  });
}
const stateOf = () => ({
  a: sync(signal(0)),
  b: sync(signal(0)),
  list: sync(signal<number[]>([])),
  players: users(Player),
  monsters: collection(() => ({ hp: sync(signal(1)) })),
});
type State = ReturnType<typeof stateOf>;

function roomWith(throttleSync: number | "auto"): MemoryRoom<State> {
  return new MemoryRoom<State>(defineRoom({ path: "r", throttleSync, state: stateOf }).compiled);
}

/** Connects this many clients, and drops what they received by joining. */
async function join(room: MemoryRoom<State>, count: number): Promise<MemorySocket[]> {
  const sockets: MemorySocket[] = [];
  for (let index = 0; index < count; index++) sockets.push(await room.connect(`s${index}`));
  await room.advance(100);
  for (const socket of sockets) socket.texts.length = 0;
  return sockets;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("P4: packets", () => {
  it("P4.1: the first is the whole visible state, after onJoin", async () => {
    const order: string[] = [];
    const definition = defineRoom({
      path: "r",
      throttleSync: 0,
      state: stateOf,
      async onJoin({ state, conn }) {
        conn.send({ type: "hello", value: 1 });
        await Promise.resolve();
        state.a.set(5);
        order.push("joined");
      },
    });
    const room = new MemoryRoom<State>(definition.compiled);
    const socket = await room.connect("x");
    expect(order).toEqual(["joined"]);
    const first = JSON.parse(socket.texts[0] as string) as { type: string; value: Record<string, unknown> };
    expect(Object.keys(first.value)).toEqual(["pId", "a", "b", "list", "players", "monsters"]);
    expect(first.value).toMatchObject({ a: 5, b: 0, list: [], monsters: {} });
    expect(socket.texts[1]).toBe('{"type":"hello","value":1}');
  });

  it("P4.2: one per turn, however many signals it sets", async () => {
    const room = roomWith(0);
    const [socket] = (await join(room, 1)) as [MemorySocket];
    room.change((state) => {
      state.a.set(1);
      state.b.set(2);
      state.list().push(3);
    });
    expect(socket.texts).toEqual(['{"type":"sync","value":{"a":1,"b":2,"list":[3]}}']);
  });

  it("P4.2: changes outside of any event are sent at the end of their turn", async () => {
    const room = roomWith(0);
    const [socket] = (await join(room, 1)) as [MemorySocket];
    room.state.a.set(1);
    room.state.b.set(2);
    expect(socket.texts).toEqual([]);
    await room.advance(0);
    expect(socket.texts).toEqual(['{"type":"sync","value":{"a":1,"b":2}}']);
  });

  it("P4.3: are encoded once for all clients that see the same, never once per connection", async () => {
    const room = roomWith(0);
    const sockets = await join(room, 20);
    const stringify = vi.spyOn(JSON, "stringify");
    room.change((state) => state.a.set(1));
    expect(stringify).toHaveBeenCalledTimes(1);
    stringify.mockClear();
    const owner = Object.keys(room.state.players())[0] as string;
    room.change((state) => state.players()[owner]?.hand.set(["ace"]));
    // One packet for the owner. The others see no change.
    expect(stringify).toHaveBeenCalledTimes(1);
    expect(sockets.filter((socket) => socket.texts.join().includes("ace"))).toHaveLength(1);
    stringify.mockClear();
    room.change((state) => state.players()[owner]?.plan.set("attack"));
    // All twenty users are in the red team: they get the same encoded packet.
    expect(stringify).toHaveBeenCalledTimes(1);
    expect(sockets.filter((socket) => socket.texts.join().includes("attack"))).toHaveLength(20);
  });

  it("P4.3: the state is encoded once per change, not once per join", async () => {
    const room = roomWith(50);
    const sockets: MemorySocket[] = [];
    for (let index = 0; index < 30; index++) sockets.push(await room.connect(`s${index}`));
    expect(sockets.filter((socket) => socket.texts.length > 0)).toHaveLength(1);
    await room.advance(50);
    for (const socket of sockets.slice(1)) expect(socket.texts).toHaveLength(1);
  });

  it("P4.6: a client gets a field that becomes visible, and loses one that becomes invisible", async () => {
    const room = roomWith(0);
    const [one, two] = (await join(room, 2)) as [MemorySocket, MemorySocket];
    const [first, second] = Object.keys(room.state.players()) as [string, string];
    room.change((state) => state.players()[second]?.team.set("blue"));
    expect(JSON.parse(two.texts.at(-1) as string)).toEqual({
      type: "sync",
      value: { players: { [second]: { team: "blue" }, [first]: { plan: "$delete" } } },
    });
    expect(JSON.parse(one.texts.at(-1) as string)).toEqual({
      type: "sync",
      value: { players: { [second]: { team: "blue" } } },
    });
    room.change((state) => state.players()[second]?.team.set("red"));
    expect(JSON.parse(two.texts.at(-1) as string)).toMatchObject({ value: { players: { [first]: { plan: "?" } } } });
  });

  it("P4.6: users that only their owner sees: each sees its own entry, and removals are not sent to others", async () => {
    const players = () =>
      users(
        class Diary {
          text = sync(signal("dear diary"));
        },
        { visibleTo: "owner" },
      );
    const definition = defineRoom({ path: "r", throttleSync: 0, state: () => ({ players: players() }) });
    const room = new MemoryRoom<{ players: ReturnType<typeof players> }>(definition.compiled);
    const [one, two] = [await room.connect("one"), await room.connect("two")];
    const [first, second] = Object.keys(room.state.players()) as [string, string];
    expect(one.clients[0]?.state).toEqual({ players: { [first]: { text: "dear diary" } } });
    expect(two.clients[0]?.state).toEqual({ players: { [second]: { text: "dear diary" } } });
    room.change((state) => state.players()[first]?.text.set("a secret"));
    expect(one.clients[0]?.state).toMatchObject({ players: { [first]: { text: "a secret" } } });
    const texts = one.texts.length;
    room.change((state) => delete state.players()[first]);
    expect(one.texts).toHaveLength(texts);
    expect(two.texts.join()).not.toContain(first);
  });

  it("a predicate that throws hides the field, and is logged", async () => {
    const definition = defineRoom({
      path: "r",
      throttleSync: 0,
      state: () => ({
        a: sync(signal(1)),
        secret: sync(signal(2), {
          visibleTo: () => {
            throw new Error("broken predicate");
          },
        }),
      }),
    });
    const room = new MemoryRoom(definition.compiled);
    const socket = await room.connect("x");
    expect(socket.texts.join()).not.toContain("secret");
    expect(JSON.stringify(room.log)).toContain("broken predicate");
  });

  it("user_disconnected reports users without a connected() field", async () => {
    const definition = defineRoom({ path: "r", throttleSync: 0, state: () => ({ a: sync(signal(0)) }) });
    const room = new MemoryRoom(definition.compiled);
    const one = await room.connect("one");
    const two = await room.connect("two");
    const again = await room.connect("two");
    const { pId } = (JSON.parse(two.texts[0] as string) as { value: { pId: string } }).value;
    room.disconnect(two);
    expect(one.texts.join()).not.toContain("user_disconnected");
    room.disconnect(again);
    expect(one.texts.at(-1)).toBe(`{"type":"user_disconnected","value":{"publicId":"${pId}"}}`);
  });
});

describe("throttleSync", () => {
  it("P4.4, a number: the first change is sent at once, the rest in one packet at the end of the window", async () => {
    const room = roomWith(100);
    const [socket] = (await join(room, 1)) as [MemorySocket];
    await room.advance(100);
    room.change((state) => state.a.set(1));
    expect(socket.texts).toHaveLength(1);
    for (const value of [2, 3, 4]) {
      await room.advance(30);
      room.change((state) => {
        state.a.set(value);
        state.b.set(value);
      });
    }
    expect(socket.texts).toHaveLength(1);
    await room.advance(10);
    expect(socket.texts.slice(1)).toEqual(['{"type":"sync","value":{"a":4,"b":4}}']);
    await room.advance(1000);
    expect(socket.texts).toHaveLength(2);
    room.change((state) => state.a.set(5));
    expect(socket.texts).toHaveLength(3);
  });

  it.each([
    [1, 0],
    [19, 0],
    [20, 1],
    [60, 3],
    [100, 5],
    [300, 15],
    [600, 30],
    [800, 40],
    [1100, 40],
  ])("P4.4, auto: with %i viewers a window of %i ms", async (viewers, window) => {
    const room = new MemoryRoom<State>(defineRoom({ path: "r", state: () => ({ a: sync(signal(0)) }) }).compiled);
    const sockets = await join(room, viewers);
    const socket = sockets[0] as MemorySocket;
    room.change((state) => state.a.set(1));
    room.change((state) => state.a.set(2));
    expect(socket.texts).toHaveLength(window === 0 ? 2 : 1);
    if (window === 0) return;
    await room.advance(window - 0.5);
    expect(socket.texts).toHaveLength(1);
    await room.advance(0.5);
    expect(socket.texts).toHaveLength(2);
  });

  it.each([
    ["auto", 5],
    [100, 100],
  ] as const)(
    "P4.4, %s: the window begins when everything is sent, however long that takes",
    async (throttleSync, ms) => {
      const { compiled } = defineRoom({ path: "r", throttleSync, state: () => ({ a: sync(signal(0)) }) });
      const clock = new SendingClock();
      const room = new MemoryRoom<State>(compiled, clock);
      const [socket] = (await join(room, 100)) as [MemorySocket];
      await room.advance(100);
      room.change((state) => state.a.set(1));
      clock.sending = 200;
      for (const value of [2, 3]) room.change((state) => state.a.set(value));
      expect(socket.texts).toHaveLength(1);
      await room.advance(ms - 0.5);
      expect(socket.texts).toHaveLength(1);
      await room.advance(0.5);
      expect(socket.texts.slice(1)).toEqual(['{"type":"sync","value":{"a":3}}']);
    },
  );
});

/** A clock that stood still while packets were sent: events find a later time, and timers have not run yet. */
class SendingClock extends VirtualClock {
  sending = 0;

  override now(): number {
    return super.now() + this.sending;
  }
}

describe("a room without connections", () => {
  it("only marks what to save", async () => {
    const room = roomWith(0);
    const [socket] = (await join(room, 1)) as [MemorySocket];
    room.disconnect(socket);
    await room.advance(5000);
    const stringify = vi.spyOn(JSON, "stringify");
    const before = room.clock.pending;
    const alarm = room.alarmAt;
    for (let value = 0; value < 100; value++) room.change((state) => state.a.set(value + 1));
    expect(stringify).not.toHaveBeenCalled();
    // The only timer is the one that saves the state. The alarm stays set for the end of the session.
    expect(room.clock.pending).toBe(before + 1);
    expect(room.alarmAt).toBe(alarm);
    const late = await room.connect("late");
    expect(late.texts[0]).toContain('"a":100');
  });
});
