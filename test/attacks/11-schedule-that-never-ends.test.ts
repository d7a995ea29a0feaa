import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { persist } from "../../src/state/fields.ts";
import type { TransferredUser } from "../../src/room/transfers/messages.ts";
import { MemoryRoom } from "../support/memory.ts";
import { call } from "./support.ts";

class Player {
  name = persist(signal(""));
}
const stateOf = () => ({ players: users(Player), count: persist(signal(0)), ran: persist(signal(0)) });
type State = ReturnType<typeof stateOf>;
const definition = defineRoom({
  path: "r",
  throttleStorage: 500,
  sessionExpiryTime: 5000,
  state: stateOf,
  actions: {
    hang: { run: ({ room }) => (room.schedule("hangs", 100), room.schedule("runs", 1000)) },
    count: { run: ({ state }) => state.count.update((count) => count + 1) },
    go: { run: ({ room, conn }, to) => room.sessionTransfer(conn, to as string) },
  },
  schedules: {
    hangs: { run: () => new Promise<void>(() => {}) },
    runs: { run: ({ state }) => state.ran.update((ran) => ran + 1) },
  },
});

/** Advances the time as the platform does: it rings the alarm without waiting for what the alarm does. */
async function pass(room: MemoryRoom<State>, ms: number): Promise<void> {
  const end = room.clock.time + ms;
  for (;;) {
    const next = Math.min(room.alarmAt, room.clock.next);
    if (next > end) break;
    room.clock.advance(Math.max(next - room.clock.time, 0));
    if (room.alarmAt <= room.clock.time) void room.ring();
    for (let step = 0; step < 50; step++) await Promise.resolve();
  }
  room.clock.advance(end - room.clock.time);
}

async function roomThatHangs() {
  const room = new MemoryRoom<State>(definition.compiled);
  const socket = await room.connect("a");
  await call(room as never, socket, "hang");
  await pass(room, 200);
  return { room, socket };
}

describe("a schedule that never ends", () => {
  it("does not stop other schedules", async () => {
    const { room } = await roomThatHangs();
    await pass(room, 5000);
    expect(room.state.ran()).toBe(1);
  });

  it("does not stop sessions from expiring", async () => {
    const { room } = await roomThatHangs();
    room.disconnect(await room.connect("b"));
    await pass(room, 60_000);
    expect(room.core.sessions.find("b")).toBeUndefined();
    expect(Object.keys(room.state.players())).toHaveLength(1);
  });

  it("does not stop changes from being saved", async () => {
    const { room, socket } = await roomThatHangs();
    await call(room as never, socket, "count");
    await pass(room, 5000);
    room.crash();
    expect(room.state.count()).toBe(1);
  });

  it("does not stop a transfer between two rooms", async () => {
    const { room, socket } = await roomThatHangs();
    const sent: TransferredUser[] = [];
    let isReachable = false;
    room.neighbours = {
      ...room.neighbours,
      async board(_, passenger) {
        sent.push(passenger);
        throw new Error("The answer was lost");
      },
      async recall() {
        if (!isReachable) throw new Error("It cannot be reached");
        return { arrived: true, passenger: null };
      },
    };
    await call(room as never, socket, "go", "away");
    expect(sent).not.toEqual([]);
    isReachable = true;
    await pass(room, 60_000);
    expect(room.core.sessions.find("a")).toBeUndefined();
  });

  it("is reported after a while, and tried again", async () => {
    const { room } = await roomThatHangs();
    await pass(room, 600_000);
    const reports = room.log.filter(({ event }) => event === "schedule_failed");
    expect(reports.length).toBeGreaterThan(0);
    expect(reports[0]).toMatchObject({ schedule: "hangs" });
    // The alarm for its next run is set by then, so a restart does not forget it.
    expect(room.alarmAt).toBeLessThan(Infinity);
  });

  it("leaves an alarm that wakes the room if the object crashes meanwhile", async () => {
    const { room } = await roomThatHangs();
    expect(room.alarmAt).toBeLessThan(Infinity);
    room.crash();
    await pass(room, 10_000);
    expect(room.state.ran()).toBe(1);
  });
});

describe("an onStart that never ends", () => {
  it("is reported after a while, and clients can join", async () => {
    const starting = defineRoom({ path: "s", state: stateOf, onStart: () => new Promise<void>(() => {}) });
    const room = new MemoryRoom<State>(starting.compiled);
    const joining = room.connect("a");
    await pass(room, 60_000);
    expect((await joining).isOpen).toBe(true);
    expect(room.log).toContainEqual(expect.objectContaining({ event: "onStart_failed" }));
  });

  it("does not stop the room's alarm", async () => {
    const starting = defineRoom({ path: "s", state: stateOf, onStart: () => new Promise<void>(() => {}) });
    const room = new MemoryRoom<State>(starting.compiled);
    let isDone = false;
    void room.ring().then(() => (isDone = true));
    await pass(room, 60_000);
    expect(isDone).toBe(true);
  });
});
