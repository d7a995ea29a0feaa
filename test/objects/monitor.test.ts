import { describe, expect, it } from "vitest";
import { Monitor } from "../../src/objects/monitor.ts";
import type { LogEntry } from "../../src/platform/ports.ts";
import { VirtualClock } from "../support/memory.ts";

const COUNTS = "$counts";

/** What an object has of storage, and what breaks of it. */
class Disk {
  readonly rows = new Map<string, unknown>();
  readonly log: LogEntry[] = [];
  readonly clock = new VirtualClock();
  isBroken: (call: "get" | "put", key: string) => boolean = () => false;

  /** The object comes into memory. */
  wake(): Monitor {
    const check = (call: "get" | "put", key: string) => {
      if (this.isBroken(call, key)) throw new Error(`${call} failed`);
    };
    const kv = {
      get: (key: string) => (check("get", key), structuredClone(this.rows.get(key))),
      put: (key: string, value: unknown) => (check("put", key), this.rows.set(key, structuredClone(value))),
    };
    const storage = { kv, transactionSync: (run: () => void) => run() } as unknown as DurableObjectStorage;
    return new Monitor(storage, this.clock, (entry) => this.log.push(entry));
  }
}

describe("P11.3: what was told never goes back", () => {
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

  it("and nothing is stored where nothing happened since", () => {
    const disk = new Disk();
    const monitor = disk.wake();
    const told = monitor.report().totals;
    expect(monitor.report().totals).toEqual(told);
  });
});

describe("counts harm nobody", () => {
  it.each(["get", "put"] as const)(
    "what else is saved is saved where a %s of them fails, and the log says so",
    (broken) => {
      const disk = new Disk();
      disk.isBroken = (call, key) => call === broken && key === COUNTS;
      const { storage } = disk.wake();
      storage.transaction(() => storage.put("a", 1));
      expect(disk.rows.get("a")).toBe(1);
      expect(disk.log).toMatchObject([{ level: "error", code: "internal", error: expect.stringContaining("failed") }]);
      storage.transaction(() => storage.put("a", 2));
      expect(disk.log).toHaveLength(1);
    },
  );
});
