import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { ChannelSender } from "../../../src/relay/reliable-channel.ts";
import { sync } from "../../../src/state/fields.ts";
import { MemoryRoom, VirtualClock } from "../../support/memory.ts";

const HOUR = 3_600_000;

/** A clock whose time can jump, as when an object moves to another machine. Timers are not affected. */
class JumpingClock extends VirtualClock {
  override time = 1_700_000_000_000;
  offset = 0;

  override now(): number {
    return this.time + this.offset;
  }
}

const definition = defineRoom({
  path: "r",
  throttleSync: 50,
  throttleStorage: 1000,
  rateLimit: { messages: 5, per: 1000 },
  state: () => ({ count: sync(signal(0)), ticks: signal(0), elapsed: signal(0) }),
  actions: { add: { run: ({ state }) => state.count.update((count) => count + 1) } },
  schedules: { again: { run: ({ room }) => room.schedule("again", 0) } },
  tick: {
    hz: 10,
    run({ state }, elapsed) {
      state.ticks.update((ticks) => ticks + 1);
      state.elapsed.update((least) => Math.min(least, elapsed));
    },
  },
});
interface State {
  count(): number;
  ticks(): number;
  elapsed(): number;
}

interface Counted {
  readonly count: { set(value: number): void };
}

describe.each([-HOUR, HOUR])("a clock that jumps by %i ms", (jump) => {
  const start = async () => {
    const clock = new JumpingClock();
    const room = new MemoryRoom<State>(definition.compiled, clock);
    const socket = await room.connect("ada");
    clock.advance(1000);
    return { clock, room, socket, add: () => room.core.message(socket, '{"action":"add"}') };
  };

  it("delays no packet", async () => {
    const { clock, socket, add } = await start();
    await add();
    await add();
    clock.offset = jump;
    await add();
    clock.advance(100);
    expect(socket.texts.at(-1)).toBe('{"type":"sync","value":{"count":3}}');
    await add();
    clock.advance(100);
    expect(socket.texts.at(-1)).toBe('{"type":"sync","value":{"count":4}}');
  });

  it.each(["auto", 0] as const)("delays no packet if throttleSync is %s", async (throttleSync) => {
    const { actions, state } = definition.compiled.definition;
    const clock = new JumpingClock();
    const room = new MemoryRoom<State>(defineRoom({ path: "r", throttleSync, state, actions }).compiled, clock);
    const socket = await room.connect("ada");
    clock.advance(1000);
    const set = (value: number) => room.change((state) => (state as unknown as Counted).count.set(value));
    set(1);
    clock.offset = jump;
    set(2);
    expect(socket.texts.at(-1)).toBe('{"type":"sync","value":{"count":2}}');
  });

  it("leaves nothing unsaved", async () => {
    const { clock, room, add } = await start();
    await add();
    clock.offset = jump;
    clock.advance(2000);
    expect(room.storage.rows.get(".")).toMatchObject({ count: 1 });
  });

  it("refuses no message that would have been accepted", async () => {
    const { clock, room, socket, add } = await start();
    await add();
    clock.offset = jump;
    for (let message = 0; message < 4; message++) await add();
    expect(socket.isOpen).toBe(true);
    expect(room.state.count()).toBe(5);
  });

  it("stops no tick, and none gets a negative elapsed time", async () => {
    const { clock, room } = await start();
    const before = room.state.ticks();
    clock.offset = jump;
    clock.advance(1000);
    expect(room.state.ticks() - before).toBeGreaterThanOrEqual(9);
    expect(room.state.elapsed()).toBe(0);
  });

  it("delays no schedule that sets itself again, and no report to a World", async () => {
    const { clock, room } = await start();
    const reports: (number | undefined)[] = [];
    room.worlds = { report: async (_world, _place, report) => void reports.push(report?.users) };
    room.core.handle.setListing({});
    room.core.handle.schedule("again", 0);
    room.alarmAt = Infinity;
    await room.core.alarm();
    clock.offset = jump;
    room.core.handle.schedule("again", 0);
    await room.connect("bob");
    expect(room.core.handle.schedules[0]?.at).toBeLessThanOrEqual(clock.now() + 1000);
    clock.advance(1000);
    await room.core.alarm();
    expect(reports).toEqual([1, 2]);
  });

  it("delays nothing between a room and its shards", async () => {
    const clock = new JumpingClock();
    const sent: unknown[] = [];
    const lane = new ChannelSender<string>(clock, 60_000, {
      send: async ({ seq, items }) => {
        sent.push(...items);
        return { verdict: "ok", seq } as never;
      },
      weightOf: () => 1,
      onSilent: () => {},
      onUnknown: () => {},
    });
    lane.push("first");
    clock.advance(0);
    clock.offset = jump;
    lane.push("second");
    clock.advance(100);
    expect(sent).toEqual(["first", "second"]);
  });
});
