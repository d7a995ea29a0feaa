import { describe, expect, it } from "vitest";
import { ObjectReport } from "../../src/platform/object-report.ts";
import { Monitor } from "../../src/objects/monitor.ts";
import { Journal } from "../../src/room/storage/journal.ts";
import type { LogEntry } from "../../src/platform/ports.ts";
import { VirtualClock } from "../support/memory.ts";

const COUNTS = "$counts";

/** An object's storage, which can fail. */
class Disk {
  readonly rows = new Map<string, unknown>();
  readonly log: LogEntry[] = [];
  readonly written: string[] = [];
  readonly clock = new VirtualClock();
  isBroken: (call: "get" | "put", key: string) => boolean = () => false;

  /** Loads the object into memory. */
  wake(): Monitor {
    return new Monitor(this.storage, this.clock, (entry) => this.log.push(entry), new ObjectReport());
  }

  get storage(): DurableObjectStorage {
    const check = (call: "get" | "put", key: string) => {
      if (this.isBroken(call, key)) throw new Error(`${call} failed`);
    };
    const kv = {
      get: (key: string) => (check("get", key), structuredClone(this.rows.get(key))),
      put: (key: string, value: unknown) => {
        check("put", key);
        this.written.push(key);
        this.rows.set(key, structuredClone(value));
      },
      delete: (key: string) => this.rows.delete(key),
    };
    return { kv, transactionSync: (run: () => void) => run() } as unknown as DurableObjectStorage;
  }
}

describe("P11.3: reported counts never decrease", () => {
  it.each<[string, (monitor: Monitor, clock: VirtualClock) => void]>([
    ["where only a timer wrote something", (monitor) => monitor.storage.put("a", 1)],
    ["where something was read", (monitor) => void monitor.storage.get("a")],
    [
      "where something kept it awake",
      (monitor, clock) => {
        const end = monitor.awake.begin("tick");
        clock.advance(5000);
        end();
      },
    ],
  ])("%s", (_, happens) => {
    const disk = new Disk();
    disk.rows.set("a", 0);
    const monitor = disk.wake();
    monitor.report();
    happens(monitor, disk.clock);
    const told = monitor.report().totals;
    const again = disk.wake().report().totals;
    for (const name of ["rowsRead", "rowsWritten", "awakeMs"] as const) {
      expect(again[name], name).toBeGreaterThanOrEqual(told[name]);
    }
  });

  it("nothing is stored if nothing happened since", () => {
    const disk = new Disk();
    const monitor = disk.wake();
    const told = monitor.report().totals;
    expect(monitor.report().totals).toEqual(told);
  });
});

it("P11.3: a service without operators counts too, for a later version that has operators", () => {
  const disk = new Disk();
  const monitor = new Monitor(disk.storage, disk.clock, () => {}, undefined);
  monitor.message("hello");
  monitor.storage.transaction(() => monitor.storage.put("a", 1));
  expect(() => monitor.report()).toThrow("no operators");
  expect(disk.wake().report().totals).toMatchObject({ messages: 1, bytesIn: 5 });
});

describe("counts do no harm", () => {
  it.each(["get", "put"] as const)("other data is saved if a %s of counts fails, and the log reports it", (broken) => {
    const disk = new Disk();
    disk.isBroken = (call, key) => call === broken && key === COUNTS;
    const { storage } = disk.wake();
    storage.transaction(() => storage.put("a", 1));
    expect(disk.rows.get("a")).toBe(1);
    expect(disk.log).toMatchObject([{ level: "error", code: "internal", error: expect.stringContaining("failed") }]);
    storage.transaction(() => storage.put("a", 2));
    expect(disk.log).toHaveLength(1);
  });
});

describe("while a room is busy, its counts are in its journal", () => {
  const busy = (disk: Disk, seconds: number) => {
    const monitor = disk.wake();
    const journal = new Journal(monitor.storage, 1000);
    const save = () => {
      const keys = ["players.a", "players.b"];
      monitor.message("a move");
      journal.save(disk.clock.now(), keys, () => keys.forEach((key) => journal.put(key, { at: disk.clock.now() })));
      disk.clock.advance(1000);
    };
    for (let second = 0; second < seconds; second++) save();
    return { monitor, journal };
  };

  it("they need no separate write, and move to their own row when the room is quiet", () => {
    const disk = new Disk();
    const { monitor, journal } = busy(disk, 60);
    expect(disk.written.filter((key) => key === COUNTS)).toHaveLength(1);
    expect(monitor.report().totals.messages).toBe(60);
    journal.fold();
    expect(disk.rows.has("$version")).toBe(false);
    expect(disk.rows.get(COUNTS)).toMatchObject({ counts: { messages: 60 } });
    // Later events are counted as usual.
    monitor.message("a move");
    expect(monitor.report().totals.messages).toBe(61);
    expect(disk.rows.get(COUNTS)).toMatchObject({ counts: { messages: 61 } });
  });

  it("a room that crashed reads them from there, whatever an older row says", () => {
    const disk = new Disk();
    const { monitor } = busy(disk, 30);
    const told = monitor.report().totals;
    expect(disk.rows.get(COUNTS)).toMatchObject({ counts: { messages: 1 } });
    const next = disk.wake();
    const journal = new Journal(next.storage, 1000);
    for (const name of ["messages", "rowsWritten", "awakeMs"] as const) {
      expect(next.report().totals[name], name).toBeGreaterThanOrEqual(told[name]);
    }
    expect(next.report().countedSince).toBe(1_000_000);
    journal.fold();
    expect(disk.rows.get(COUNTS)).toMatchObject({ counts: { messages: 30 } });
  });

  it("a room without a journal writes them as usual", () => {
    const disk = new Disk();
    const monitor = disk.wake();
    const journal = new Journal(monitor.storage, 1000);
    for (let minute = 0; minute < 3; minute++) {
      disk.clock.advance(60_000);
      journal.save(disk.clock.now(), ["players.a"], () => journal.put("players.a", { minute }));
    }
    expect(disk.written).toEqual(["players.a", COUNTS, "players.a", COUNTS, "players.a", COUNTS]);
  });
});
