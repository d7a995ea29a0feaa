import { afterEach, describe, expect, it, vi } from "vitest";
import { kvStorage } from "../../src/objects/storage.ts";
import type { PlatformStorage } from "../../src/objects/storage.ts";

afterEach(() => vi.restoreAllMocks());

const kept = (storage: PlatformStorage) =>
  kvStorage(
    storage,
    { rowsRead: 0, rowsWritten: 0 },
    () => {},
    (entry) => console.error(JSON.stringify(entry)),
  );

/** Storage with a row that is not valid V8 data. As in workerd, `next` throws for it, and then continues after it. */
function storageOf(keys: readonly string[], fails: (key: string, reads: number) => boolean) {
  let reads = 0;
  function list({ start = "", end, limit = Infinity }: { start?: string; end?: string; limit?: number } = {}) {
    const found = keys.filter((key) => key >= start && (end === undefined || key < end)).slice(0, limit);
    return {
      [Symbol.iterator]: () => ({
        next() {
          const key = found.shift();
          if (key === undefined) return { done: true, value: undefined };
          if (fails(key, reads++)) throw new Error("internal error");
          return { done: false, value: [key, key.toUpperCase()] };
        },
      }),
    };
  }
  return kept({ kv: { list } } as unknown as PlatformStorage);
}

describe("rows that the runtime cannot read", () => {
  it("are skipped anywhere, and the log says after which row", () => {
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((line) => void lines.push(String(line)));
    const bad = new Set(["$session:secret2", "b", "c", "z"]);
    const storage = storageOf(["$session:secret1", "$session:secret2", "a", "b", "c", "d", "z"], (key) => bad.has(key));
    expect([...storage.list()].map(([key]) => key)).toEqual(["$session:secret1", "a", "d"]);
    expect(lines.map((line) => (JSON.parse(line) as { after: string }).after)).toEqual(["$session…", "a", "a", "d"]);
    expect([...storage.list({ start: "b", end: "d" })]).toEqual([]);
  });

  it("are no reason to continue if the row was not the cause", () => {
    const storage = storageOf(["a", "b", "c"], (key, reads) => key === "b" && reads === 1);
    expect(() => [...storage.list()]).toThrow("internal error");
    expect([...storage.list()]).toHaveLength(3);
  });

  it("do not make it continue without end", () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const broken = { kv: { list: () => [][Symbol.iterator]() } } as unknown as PlatformStorage;
    const next = () => {
      throw new Error("the storage is gone");
    };
    broken.kv.list = () => ({ [Symbol.iterator]: () => ({ next }) });
    expect(() => [...kept(broken).list()]).toThrow("the storage is gone");
  });
});
