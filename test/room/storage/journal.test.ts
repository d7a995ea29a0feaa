import { signal } from "@signe/reactive";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { Journal } from "../../../src/room/storage/journal.ts";
import { users } from "../../../src/app/users.ts";
import { collection, persist, sync } from "../../../src/state/fields.ts";
import { testRoom } from "../../support/harness.ts";
import { journalOf as rowsOf, MemoryRoom, MemoryStorage } from "../../support/memory.ts";

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  aim = sync(signal(0), { persist: false });
  note = persist(signal(""));
}
const stateOf = () => ({
  count: sync(signal(0)),
  players: users(Player),
  crates: collection(() => ({ hp: sync(signal(10)) })),
});
type State = ReturnType<typeof stateOf>;
const roomOf = (options: { throttleStorage?: number; version?: number } = {}) =>
  defineRoom({
    path: "room-{id}",
    throttleSync: 0,
    state: stateOf,
    ...options,
    ...(options.version && { migrate: { 2: (snapshot) => ({ ...snapshot, count: 100 }) } }),
  });

/** A room in memory with some players, whose joins are stored. */
async function playing(count: number, options: { throttleStorage?: number } = {}, protocol = 1) {
  const room = new MemoryRoom<State>(roomOf(options).compiled);
  for (let index = 0; index < count; index++) await room.connect(`p${index}`, null, undefined, `protocol=${protocol}`);
  await room.advance((options.throttleStorage ?? 1000) + 5000);
  room.storage.writes = room.alarmsSet = 0;
  return room;
}
const everyone = (room: MemoryRoom<State>) => Object.values(room.state.players());

/** All players move ten times per second. */
async function move(room: MemoryRoom<State>, seconds: number): Promise<void> {
  for (let step = 0; step < seconds * 10; step++) {
    room.change(() => {
      for (const player of everyone(room)) player.x.update((x) => x + 1);
    });
    await room.advance(100);
  }
}
/** All crates change once per second. */
async function shake(room: MemoryRoom<State>, seconds: number): Promise<void> {
  for (let step = 1; step <= seconds; step++) {
    room.change((state) => Object.values(state.crates()).forEach((crate) => crate.hp.set(step)));
    await room.advance(1000);
  }
}
async function withCrates(count: number): Promise<MemoryRoom<State>> {
  const room = await playing(1);
  room.change((state) => {
    for (let index = 0; index < count; index++) state.crates()[`c${index}`] = { hp: sync(signal(0)) };
  });
  await room.advance(10_000);
  return room;
}
const journalOf = (room: MemoryRoom<State>) => rowsOf(room.storage.raw);
const xs = (room: MemoryRoom<State>) => everyone(room).map((player) => player.x());
const stored = (room: MemoryRoom<State>, key: string) =>
  [...room.storage.raw].filter(([name]) => name.startsWith(key)).map(([, value]) => value);

describe("a busy room", () => {
  it.each([
    [10, 1],
    [10, 2],
    [100, 1],
    [100, 2],
  ])("of %i players writes one row a second, and one for the alarm (protocol %i)", async (count, protocol) => {
    const room = await playing(count, {}, protocol);
    await move(room, 20);
    // In the first window, a row is written for each player.
    expect(room.storage.writes + room.alarmsSet - count).toBeLessThanOrEqual(2 * 20 + 3);
  });

  it("loses at most throttleStorage in a crash, however often it crashes", async () => {
    const room = await playing(5);
    for (let round = 1; round <= 5; round++) {
      await move(room, 3);
      const before = xs(room);
      room.crash();
      const after = xs(room);
      expect(after.every((x, index) => x >= (before[index] as number) - 10)).toBe(true);
      expect(after).toHaveLength(5);
      for (let index = 0; index < 5; index++) await room.connect(`p${index}`);
    }
  });

  it("has each row in its place when it is quiet, and no journal", async () => {
    const room = await playing(5);
    await move(room, 5);
    expect(journalOf(room).size).toBeGreaterThan(5);
    await room.advance(5000);
    expect(room.storage.raw.has("$version")).toBe(false);
    expect(stored(room, "players.").map((row) => (row as { x: number }).x)).toEqual(xs(room));
    expect(room.isIdle).toBe(true);
  });

  it("cannot hibernate before that", async () => {
    const room = await playing(5);
    await move(room, 5);
    while (!room.isIdle) await room.advance(10);
    expect(room.storage.raw.has("$version")).toBe(false);
  });

  it("writes rows as usual, without a journal, if changes are occasional", async () => {
    const room = await playing(5);
    for (let round = 0; round < 10; round++) {
      room.change(() => everyone(room).forEach((player) => player.x.update((x) => x + 1)));
      await room.advance(5000);
    }
    expect(room.storage.writes).toBe(50);
  });

  it("has no journal if each window has a new row, because that would cost more", async () => {
    const room = await playing(2);
    for (let round = 0; round < 20; round++) {
      room.change((state) => {
        state.crates()[`c${round}`] = { hp: sync(signal(round)) };
        state.count.set(round);
      });
      await room.advance(1000);
    }
    expect(room.storage.writes).toBeLessThanOrEqual(40);
  });

  it("entries that are removed while it is busy are gone after a crash, and after it was quiet", async () => {
    const room = await playing(3);
    room.change((state) => (state.crates()["c"] = { hp: sync(signal(1)) }));
    await room.advance(5000);
    await move(room, 3);
    room.change((state) => delete state.crates()["c"]);
    await move(room, 2);
    expect(room.storage.raw.has("crates.c")).toBe(true);
    room.crash();
    expect(Object.keys(room.state.crates())).toEqual([]);
    expect(room.state.crates()["c"]).toBeUndefined();
    await room.advance(10_000);
    expect([...room.storage.raw.keys()].filter((key) => key.startsWith("crates"))).toEqual([]);
  });

  it("with throttleStorage 0, a turn is one row, and durable before anything of it is sent", async () => {
    const room = await playing(3, { throttleStorage: 0 }, 2);
    const [socket] = room.sockets;
    await move(room, 1);
    room.storage.writes = 0;
    const order: string[] = [];
    room.storage.fault = (key) => void order.push(key === "$version" ? "write" : "");
    const send = socket?.send.bind(socket);
    if (socket) {
      socket.send = (text) => {
        order.push("send");
        return send?.(text) ?? 0;
      };
    }
    room.change(() => everyone(room).forEach((player) => player.y.set(5)));
    expect(room.storage.writes).toBe(1);
    expect(order.filter((what) => what !== "")).toEqual(["write", "send"]);
    room.crash();
    expect(everyone(room).map((player) => player.y())).toEqual([5, 5, 5]);
  });

  it("flush puts each row in its place", async () => {
    const room = await playing(3);
    await move(room, 5);
    await room.core.handle.flush();
    expect(room.storage.raw.has("$version")).toBe(false);
    expect(stored(room, "players.").map((row) => (row as { x: number }).x)).toEqual(xs(room));
  });

  it("writes of room.storage and schedules are separate", async () => {
    const room = await playing(3);
    await move(room, 3);
    room.core.handle.storage.put("mine", { a: 1 });
    expect(room.storage.raw.get("$storage:mine")).toEqual({ a: 1 });
  });

  it("is folded step by step, without a long pause", async () => {
    const room = await withCrates(1000);
    await shake(room, 3);
    const counts: number[] = [];
    const transaction = room.storage.transaction.bind(room.storage);
    room.storage.transaction = (run) => {
      const before = room.storage.writes;
      transaction(run);
      counts.push(room.storage.writes - before);
    };
    await room.advance(5000);
    expect(counts.filter((count) => count > 100).length).toBeGreaterThan(4);
    expect(Math.max(...counts)).toBeLessThanOrEqual(202);
    expect(room.storage.raw.has("$version")).toBe(false);
  });

  it("an event between two steps does no harm: its changes are stored in the end", async () => {
    const room = await withCrates(1000);
    await shake(room, 4);
    const hp = () => room.state.crates()["c0"]?.hp();
    while ((room.storage.raw.get("crates.c0") as { hp: number }).hp < 4) await room.advance(10);
    expect(journalOf(room).size).toBeGreaterThan(0);
    room.change((state) => state.crates()["c0"]?.hp.set(-1));
    await room.advance(1500);
    room.crash();
    expect(hp()).toBe(-1);
    await room.advance(10_000);
    expect(room.storage.raw.has("$version")).toBe(false);
    room.crash();
    expect(hp()).toBe(-1);
  });

  it("a journal that is too large is folded while the room is busy", async () => {
    const room = await playing(2, { throttleStorage: 100 });
    const sizes: number[] = [];
    for (let step = 0; step < 500; step++) {
      room.change((state) => {
        for (const player of everyone(room)) player.x.set(step);
        state.crates()[`large-${"k".repeat(400)}-${step}`] = { hp: sync(signal(step)) };
      });
      await room.advance(100);
      sizes.push(journalOf(room).size);
    }
    const folds = sizes.filter((size, index) => size < (sizes[index - 1] ?? 0)).length;
    expect(folds).toBeGreaterThanOrEqual(3);
    expect(Math.max(...sizes)).toBeLessThan(150);
    room.crash();
    expect(Object.values(room.state.crates()).length).toBeGreaterThanOrEqual(498);
  });

  it("a failing step is repeated, and nothing is lost", async () => {
    const room = await playing(3);
    await move(room, 3);
    room.storage.fault = (key) => {
      if (key.startsWith("players.") && journalOf(room).size > 0) throw new Error("disk full");
    };
    await room.advance(10_000);
    expect(room.log.map(({ event }) => event)).toContain("save_failed");
    const before = xs(room);
    room.storage.fault = () => {};
    room.crash();
    expect(xs(room)).toEqual(before);
    await room.advance(10_000);
    expect(room.storage.raw.has("$version")).toBe(false);
  });

  it("is migrated like any other room", async () => {
    const room = await playing(3);
    await move(room, 3);
    const before = xs(room);
    room.kill();
    const { raw } = room.storage;
    const later = new MemoryRoom<State>(roomOf({ version: 2 }).compiled);
    later.storage.raw = raw;
    later.crash();
    expect(xs(later).map((x, index) => (before[index] as number) - x <= 10)).toEqual([true, true, true]);
    expect(later.state.count()).toBe(100);
    await later.advance(10_000);
    expect(raw.get("$version")).toBe(2);
  });

  it("a user's values are there when only their entry is read from storage", async () => {
    const room = await playing(3);
    const [first, second] = Object.keys(room.state.players()) as [string, string];
    await move(room, 3);
    room.crash();
    // Read one entry by its key first, then all of them.
    expect(room.state.players()[second]?.x()).toBeGreaterThanOrEqual(20);
    expect(room.state.players()[first]?.x()).toBe(room.state.players()[second]?.x());
    expect(new Set(xs(room)).size).toBe(1);
  });
});

describe("volatile values", () => {
  const aim = async (room: MemoryRoom<State>, seconds: number) => {
    for (let step = 0; step < seconds * 10; step++) {
      room.change(() => everyone(room).forEach((player) => player.aim.set(step)));
      await room.advance(100);
    }
  };

  it("are not written while they change, and cost no alarm; they are written once when the room is quiet", async () => {
    const room = await playing(5);
    await aim(room, 60);
    expect([room.storage.writes, room.alarmsSet]).toEqual([0, 0]);
    await room.advance(5000);
    expect([room.storage.writes, room.alarmsSet]).toEqual([5, 0]);
    expect(stored(room, "~players.")).toEqual(Array.from({ length: 5 }, () => ({ aim: 599 })));
    expect(room.isIdle).toBe(true);
    await room.evict();
    expect(everyone(room).map((player) => player.aim())).toEqual([599, 599, 599, 599, 599]);
  });

  it("keep a room awake until they are stored", async () => {
    const room = await playing(2);
    room.change(() => everyone(room).forEach((player) => player.aim.set(3)));
    expect(room.isIdle).toBe(false);
    await room.advance(1001);
    expect(stored(room, "~players.")).toEqual([{ aim: 3 }, { aim: 3 }]);
    expect(room.isIdle).toBe(true);
  });

  it("are written together with other changes, if those are occasional", async () => {
    const room = await playing(1);
    room.change(() => everyone(room).forEach((player) => [player.x.set(3), player.aim.set(3)]));
    await room.advance(1000);
    expect([room.storage.writes, room.alarmsSet]).toEqual([2, 1]);
    await room.advance(500);
    expect(room.isIdle).toBe(true);
  });

  it("with throttleStorage 0, are written with the turn if they change occasionally, so that the room can hibernate at once", async () => {
    const room = await playing(1, { throttleStorage: 0 });
    room.change(() => everyone(room).forEach((player) => player.aim.set(3)));
    expect(stored(room, "~players.")).toEqual([{ aim: 3 }]);
    for (let step = 0; step < 10; step++) {
      await room.advance(100);
      room.change(() => everyone(room).forEach((player) => player.aim.set(step)));
    }
    expect(room.storage.writes).toBe(1);
    await room.advance(2000);
    expect(stored(room, "~players.")).toEqual([{ aim: 9 }]);
  });

  it.each([
    ["a tick", { tick: { hz: 1, run: () => {} } }],
    ["hibernate: false", { hibernate: false }],
  ])("of a room that cannot hibernate, with %s, are not written at all", async (_, options) => {
    const room = new MemoryRoom<State>(defineRoom({ path: "r", throttleSync: 0, state: stateOf, ...options }).compiled);
    const socket = await room.connect("ada");
    await room.advance(10_000);
    room.storage.writes = room.alarmsSet = 0;
    await aim(room, 5);
    await room.advance(60_000);
    expect([room.storage.writes, room.alarmsSet]).toEqual([0, 0]);
    room.disconnect(socket);
  });

  it("of removed entries cost nothing", async () => {
    const bullets = defineRoom({
      path: "r",
      throttleSync: 0,
      state: () => ({ bullets: collection(() => ({ x: sync(signal(0)) }), { persist: false }) }),
    });
    const room = new MemoryRoom<{ bullets(): Record<string, object> }>(bullets.compiled);
    await room.connect("ada");
    await room.advance(10_000);
    room.storage.writes = room.alarmsSet = 0;
    for (let step = 0; step < 100; step++) {
      room.change((state) => {
        state.bullets()[`b${step}`] = { x: sync(signal(step)) };
        delete state.bullets()[`b${step - 5}`];
      });
      await room.advance(100);
    }
    expect([room.storage.writes, room.alarmsSet]).toEqual([0, 0]);
    await room.advance(5000);
    expect([...room.storage.raw.keys()].filter((key) => key.startsWith("~"))).toHaveLength(5);
    await room.evict();
    expect(Object.keys(room.state.bullets())).toHaveLength(5);
  });
});

const largeState = () => ({ notes: collection(() => ({ text: persist(signal("")) })) });
type LargeState = ReturnType<typeof largeState>;

describe("a real object", () => {
  it("finds all of its rows after a crash, after hibernation, and after a flush; also if they need several slots", async () => {
    const large = defineRoom({ path: "room-{id}", throttleSync: 0, throttleStorage: 0, state: largeState });
    const room = testRoom(large);
    await room.connect({ id: "ada" });
    const notesOf = (state: unknown) => (state as LargeState).notes();
    const write = (mark: string) =>
      room.change((state) => {
        // Texts with one byte and with two bytes per character. Together they need more than three slots.
        const texts = [mark.repeat(600_000), `${mark}€`.repeat(250_000)];
        for (const [index, text] of [...texts, ...texts, ...texts, ...texts].entries()) {
          notesOf(state)[`n${index}`] ??= { text: persist(signal("")) };
          notesOf(state)[`n${index}`]?.text.set(text);
        }
      });
    const marks = () => room.inside((state) => Object.values(notesOf(state)).map(({ text }) => text()[0]));
    // Several writes, because on a slow machine two of them may be too far apart for a journal.
    for (const mark of ["a", "b", "c", "d", "e", "b"]) await write(mark);
    const raw = await room.inside((_s, _c, ctx) => [...ctx.storage.kv.list()].map(([key]) => key));
    expect(raw.filter((key) => key.startsWith("$apart:journal:")).length).toBeGreaterThanOrEqual(2);
    await room.crash();
    expect(await marks()).toEqual(Array.from({ length: 8 }, () => "b"));
    // Without a client, the room would wait for its users to return.
    await room.connect({ id: "ada" });
    await write("c");
    await room.evict();
    expect(await marks()).toEqual(Array.from({ length: 8 }, () => "c"));
    const left = await room.inside((_s, _c, ctx) => [...ctx.storage.kv.list()].map(([key]) => key));
    expect(left.filter((key) => key.startsWith("$apart:journal:") || key === "$version")).toEqual([]);
  });
});

type Step =
  | { kind: "save"; keys: string[]; value: number | undefined }
  | { kind: "put"; key: string; value: number | undefined }
  | { kind: "fold" | "crash" }
  | { kind: "wait"; ms: number }
  | { kind: "fail"; after: number };

const key = fc.constantFrom("a", "b", "c", "d.1", "d.2", "$e", "~a");
const value = fc.option(fc.nat(9), { nil: undefined });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant("save" as const), keys: fc.uniqueArray(key), value }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("put" as const), key, value }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("fold" as const, "crash" as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(10, 1000, 9000) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("fail" as const), after: fc.nat(6) }) },
  ),
  { maxLength: 60 },
);

it("whatever is written, folded, fails or crashes: each row is what was written last", () => {
  let journals = 0;
  fc.assert(
    fc.property(steps, fc.constantFrom(0, 1000), (taken, throttle) => {
      const storage = new MemoryStorage();
      let model = new Map<string, unknown>();
      let journal = new Journal(storage, throttle);
      let now = 0;
      const attempt = (run: (model: Map<string, unknown>) => void) => {
        const next = new Map(model);
        try {
          run(next);
          model = next;
        } catch (error) {
          expect(String(error)).toContain("disk full");
        }
        storage.fault = () => {};
      };
      const write = (rows: Map<string, unknown>, name: string, number: number | undefined) => {
        if (number === undefined) {
          journal.delete(name);
          rows.delete(name);
        } else {
          journal.put(name, { number });
          rows.set(name, { number });
        }
      };
      for (const step of taken) {
        if (step.kind === "save") {
          attempt((next) =>
            journal.save(now, step.keys, () => step.keys.forEach((name) => write(next, name, step.value))),
          );
        }
        if (step.kind === "put") attempt((next) => write(next, step.key, step.value));
        if (step.kind === "fold" && !journal.isEmpty) attempt(() => journal.fold());
        if (step.kind === "crash") journal = new Journal(storage, throttle);
        if (step.kind === "wait") now += step.ms;
        if (step.kind === "fail") {
          let left = step.after;
          storage.fault = () => {
            if (left-- <= 0) throw new Error("disk full");
          };
        }
        if (!journal.isEmpty) journals++;
        const sorted = (rows: Iterable<[string, unknown]>) => [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1));
        for (const found of [journal, new Journal(storage, throttle)]) {
          expect(sorted(found.list())).toEqual(sorted(model));
          expect(sorted(found.list({ start: "d", end: "e" }))).toEqual(
            sorted(model).filter(([name]) => name.startsWith("d")),
          );
          for (const name of ["a", "d.1", "$e"]) expect(found.get(name)).toEqual(model.get(name));
        }
      }
    }),
    { numRuns: 500 },
  );
  expect(journals).toBeGreaterThan(300);
});
