import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync } from "../../src/state/fields.ts";
import { testRoom } from "../support/harness.ts";
import { MemoryRoom } from "../support/memory.ts";

let isBroken = false;
const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  throttleStorage: 0,
  state: () => ({ log: sync(signal<unknown[]>([])) }),
  actions: {
    plan: {
      run({ room }, value) {
        const [name, when, payload] = value as ["note", number, unknown];
        room.schedule(name, when, payload);
        return room.schedules;
      },
    },
    cancel: { run: ({ room }, name) => room.unschedule(name as "note") },
  },
  schedules: {
    note: { run: ({ state }, payload) => void state.log().push(payload) },
    storm: {
      run({ state, room }) {
        state.log().push("storm");
        room.schedule("storm", 0);
      },
    },
    fragile: {
      async run({ state }) {
        await Promise.resolve();
        if (isBroken) throw new Error("not now");
        state.log().push("done");
      },
    },
  },
});
type State = { log(): unknown[] };
const memory = () => new MemoryRoom<State>(definition.compiled);
const log = (room: MemoryRoom<State>) => [...room.state.log()];

describe("schedules", () => {
  it("run once, later, with their payload, and are removed then", async () => {
    const room = memory();
    const { handle } = room.core;
    handle.schedule("note", 5000, { a: 1 });
    expect(handle.schedules).toEqual([{ name: "note", at: room.clock.time + 5000, payload: { a: 1 } }]);
    await room.advance(4999);
    expect(log(room)).toEqual([]);
    await room.advance(1);
    expect(log(room)).toEqual([{ a: 1 }]);
    expect(handle.schedules).toEqual([]);
    await room.advance(100_000);
    expect(log(room)).toHaveLength(1);
  });

  it("accept a Date or a delay, and the same name again replaces the time", () => {
    const room = memory();
    room.clock.time = 1_800_000_000_000;
    room.core.handle.schedule("note", new Date(1_800_000_005_000), 1);
    room.core.handle.schedule("note", new Date(1_800_000_009_000), 2);
    expect(room.core.handle.schedules).toEqual([{ name: "note", at: 1_800_000_009_000, payload: 2 }]);
    room.core.handle.schedule("note", 10, 3);
    expect(room.core.handle.schedules).toEqual([{ name: "note", at: 1_800_000_000_010, payload: 3 }]);
    room.core.handle.unschedule("note");
    expect(room.core.handle.schedules).toEqual([]);
  });

  it("run now if the delay is negative, or the Date is in the past, in any year", async () => {
    const room = memory();
    room.clock.time = 1_800_000_000_000;
    const { handle } = room.core;
    for (const when of [-1, -Infinity, new Date(1_799_999_999_999), new Date(5), new Date(-1)]) {
      handle.schedule("note", when, Number(when));
      expect(handle.schedules).toMatchObject([{ at: 1_800_000_000_000 }]);
    }
    await room.advance(1000);
    expect(log(room)).toHaveLength(1);
    expect(() => handle.schedule("note", new Date(Number.NaN))).toThrow('"note" needs a delay in ms, or a Date');
    expect(() => handle.schedule("note", Infinity)).toThrow('"note" needs a delay in ms, or a Date');
    expect(() => handle.schedule("note", "soon" as never)).toThrow('"note" needs a delay in ms, or a Date');
    // An earlier version read a number like this as a point in time.
    expect(() => handle.schedule("note", 1_800_000_005_000)).toThrow(
      '"note" needs a delay in ms, or a Date, not 1800000005000: for a time write new Date(ms)',
    );
    expect(handle.schedules).toEqual([]);
  });

  it("survive a crash, and run once if they were overdue several times", async () => {
    const room = memory();
    room.core.handle.schedule("note", 1000, "x");
    room.crash();
    await room.advance(3_600_000);
    expect(log(room)).toEqual(["x"]);
  });

  it("are stored with the state of their turn: a crash undoes neither their reason nor their effect", async () => {
    const { compiled } = defineRoom({
      path: "room-{id}",
      throttleStorage: 1000,
      state: () => ({ phase: sync(signal("waiting")), round: sync(signal<number[]>([])) }),
      actions: {
        start: {
          run({ state, room }) {
            state.phase.set("playing");
            room.schedule("end", 5000);
            state.round().push(1);
          },
        },
        stop: {
          run({ state, room }) {
            room.unschedule("end");
            state.phase.set("stopped");
          },
        },
      },
      schedules: { end: { run: ({ state }) => state.phase.set("over") } },
    });
    const room = new MemoryRoom<{ phase(): string; round(): number[] }>(compiled);
    const crash = () => {
      room.crash();
      return [room.state.phase(), [...room.state.round()], room.core.handle.schedules.map(({ name }) => name)];
    };
    const act = async (action: string) => room.core.message(await room.connect("ada"), JSON.stringify({ action }));
    await room.connect("ada");
    await room.advance(2000);
    await act("start");
    expect(crash()).toEqual(["playing", [1], ["end"]]);
    await act("stop");
    expect(crash()).toEqual(["stopped", [1], []]);
    await act("start");
    await room.advance(4999);
    await room.advance(1);
    expect(crash()).toEqual(["over", [1, 1], []]);
  });

  it("that schedule themselves again run at most once a second", async () => {
    const room = memory();
    room.core.handle.schedule("storm", 0);
    await room.advance(10_000);
    expect(log(room).length).toBeGreaterThan(5);
    expect(log(room).length).toBeLessThanOrEqual(11);
  });

  it("that throw are tried again with growing delays until they succeed", async () => {
    const room = memory();
    isBroken = true;
    room.core.handle.schedule("fragile", 10);
    await room.advance(20_000);
    const failures = room.log.filter((entry) => entry.event === "schedule_failed");
    expect(failures.length).toBeGreaterThan(2);
    expect(failures.length).toBeLessThan(8);
    isBroken = false;
    await room.advance(60_000);
    expect(log(room)).toEqual(["done"]);
    expect(room.core.handle.schedules).toEqual([]);
  });

  it("that the definition does not have are refused", () => {
    const { handle } = memory().core;
    expect(() => handle.schedule("nope", 1)).toThrow('no schedule "nope". There are: note, storm, fragile');
    expect(() => handle.schedule("note", Number.NaN)).toThrow("needs a delay");
  });

  it("have payloads that are checked when they are set, and parsed when they run", async () => {
    const definitionOf = (payload: z.ZodType<number, number | undefined>) =>
      defineRoom({
        path: "r",
        state: () => ({ log: sync(signal<unknown[]>([])) }),
        schedules: {
          grow: { payload, run: ({ state }, by) => void state.log().push(by) },
          later: { payload: z.string().refine(async () => true), run: () => {} },
        },
      });
    const room = new MemoryRoom<State>(definitionOf(z.number().min(1).default(7)).compiled);
    const { handle } = room.core;
    expect(() => handle.schedule("grow", 1, 0)).toThrow('The payload of "grow" does not match its schema: ');
    expect(() => handle.schedule("later", 1, "x")).toThrow("async schema");
    expect(handle.schedules).toEqual([]);
    handle.schedule("grow", 1000);
    expect(handle.schedules).toMatchObject([{ name: "grow", payload: undefined }]);
    await room.advance(1000);
    expect(log(room)).toEqual([7]);
    // A stored payload may not match the new schema. That is logged, and the schedule is tried again.
    // again.
    handle.schedule("grow", 1000, 3);
    await room.deploy(definitionOf(z.number().min(5)).compiled);
    await room.advance(3000);
    expect(log(room)).toEqual([7]);
    expect(room.core.handle.schedules).toMatchObject([{ name: "grow", payload: 3 }]);
    expect(room.log.filter(({ event }) => event === "schedule_failed").length).toBeGreaterThan(0);
  });

  describe("with keys", () => {
    const ran: unknown[] = [];
    const monsters = defineRoom({
      path: "r",
      state: () => ({ log: sync(signal<unknown[]>([])) }),
      schedules: {
        respawn: {
          payload: z.object({ hp: z.number() }).optional(),
          run({ state, key }, payload) {
            ran.push(payload);
            state.log().push(key ?? "none");
          },
        },
      },
    });
    const start = () => new MemoryRoom<State>(monsters.compiled);

    it("may be as many of one name as there are keys, and each is set, moved and cancelled on its own", async () => {
      const room = start();
      const { handle } = room.core;
      handle.schedule("respawn", 1000, { hp: 1 }, { key: "orc" });
      handle.schedule("respawn", 2000, { hp: 2 }, { key: "elf" });
      handle.schedule("respawn", 3000, { hp: 3 });
      handle.schedule("respawn", 4000, { hp: 4 }, { key: "troll" });
      handle.schedule("respawn", 5000, { hp: 5 }, { key: "orc" });
      const at = (ms: number) => room.clock.time + ms;
      expect(handle.schedules).toEqual([
        { name: "respawn", key: "orc", at: at(5000), payload: { hp: 5 } },
        { name: "respawn", key: "elf", at: at(2000), payload: { hp: 2 } },
        { name: "respawn", at: at(3000), payload: { hp: 3 } },
        { name: "respawn", key: "troll", at: at(4000), payload: { hp: 4 } },
      ]);
      handle.unschedule("respawn", { key: "elf" });
      handle.unschedule("respawn", { key: "nobody" });
      await room.advance(4500);
      expect(log(room)).toEqual(["none", "troll"]);
      expect(ran.splice(0)).toEqual([{ hp: 3 }, { hp: 4 }]);
      handle.unschedule("respawn");
      await room.advance(1000);
      expect(log(room)).toEqual(["none", "troll", "orc"]);
    });

    it("survive a crash with any text in their keys, and leave no rows after they ran", async () => {
      const room = start();
      const keys = ["a:b", "\u0000", "é".repeat(512), "__proto__", "1:x", "respawn", "9:respawnx"];
      for (const key of keys) room.core.handle.schedule("respawn", 1000, undefined, { key });
      room.crash();
      expect(room.core.handle.schedules.map(({ key }) => key)).toEqual(expect.arrayContaining(keys));
      await room.advance(5000);
      expect(room.state.log()).toHaveLength(keys.length);
      expect(log(room)).toEqual(expect.arrayContaining(keys));
      expect([...room.storage.rows.keys()].filter((row) => /schedule|keyed/.test(row))).toEqual([]);
    });

    it.each([["", "x".repeat(513), "\ud800", 5]].flat())("are refused if the key is %j", (key) => {
      const { handle } = start().core;
      expect(() => handle.schedule("respawn", 1, undefined, { key: key as string })).toThrow("well-formed characters");
      expect(handle.schedules).toEqual([]);
    });
  });

  it("wake a real object", async () => {
    const room = testRoom(definition);
    const client = await room.connect({ id: "ada" });
    await client.call("plan", ["note", 50, "later"]);
    await room.crash();
    const again = await room.connect({ id: "ada" });
    await again.sees((state: { log?: unknown[] }) => state.log?.[0] === "later");
    await again.call("plan", ["note", 100_000, "never"]);
    await again.call("cancel", "note");
    await room.evict();
    expect((await again.call("plan", ["note", 100_000, "y"])).value["result"]).toMatchObject([
      { name: "note", payload: "y" },
    ]);
  });
});

it("one that is cancelled or replaced by another that is due at the same time does not run", async () => {
  const ran: string[] = [];
  const due = defineRoom({
    path: "r",
    state: () => ({}),
    schedules: {
      first: {
        run({ room: handle }) {
          handle.unschedule("second");
          handle.schedule("third", 60_000, "later");
        },
      },
      second: { run: () => void ran.push("second") },
      third: { run: (_, payload) => void ran.push(`third ${String(payload)}`) },
    },
  });
  const room = new MemoryRoom(due.compiled);
  for (const name of ["first", "second", "third"]) room.core.handle.schedule(name, 1000, "now");
  await room.advance(2000);
  expect(ran).toEqual([]);
  await room.advance(60_000);
  expect(ran).toEqual(["third later"]);
});
