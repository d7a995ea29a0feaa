import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter, MalformedFrame } from "../../../src/protocol/binary/bytes.ts";
import { FrameReader } from "../../../src/protocol/binary/frame-reader.ts";
import { writeSyncFrame } from "../../../src/protocol/binary/frames.ts";
import { hostileFrames } from "../../fuzz/frames.ts";
import { MOST_PER_BYTE, readHostile, sizeOf } from "../../fuzz/read-frames.ts";

const prototypes = () => [Object, Array, Function, String].map((made) => Object.getOwnPropertyNames(made.prototype));

describe("P13.10: a client", () => {
  it("refuses malformed frames of a room, and stays unchanged", () => {
    const before = prototypes();
    const found = { read: 0, refused: 0 };
    fc.assert(
      fc.property(hostileFrames, (frames) => {
        const { read, refused } = readHostile(frames);
        found.read += read;
        found.refused += refused;
      }),
      { numRuns: 1000 },
    );
    expect(prototypes()).toEqual(before);
    // Many frames must be read and many refused, or the inputs test too little.
    expect(Math.min(found.read, found.refused)).toBeGreaterThan(100);
  });

  const HUGE = Number.MAX_SAFE_INTEGER;
  const TABLES = JSON.stringify([
    [[], 0, [[["turn"]]]],
    [["players"], 1, [[["x"], { quantized: [0, 100, 4] }], [["team"], { oneOf: ["red", "blue"] }], [["name"]]]],
  ]);
  const told = { seq: 0, tablesHash: "h", run: "r", tables: TABLES };
  type Part = number | string | Uint8Array;
  /** Numbers are written as varints, and texts as texts. */
  const patch = (...parts: readonly Part[]) => {
    const out = new ByteWriter();
    for (const part of parts) {
      if (typeof part === "number") out.varint(part);
      else if (typeof part === "string") out.text(part);
      else out.bytes(part);
    }
    return out.take();
  };
  const read = (tables: string, ...parts: readonly Part[]) =>
    new FrameReader().read(writeSyncFrame({ ...told, tables }, patch(...parts)), {});

  it.each<[string, readonly Part[]]>([
    ["more rows than it has bytes, by keys", [1, 1, 3, HUGE, 10, "a"]],
    ["more rows than it has bytes, by ids", [1, 1, 3, HUGE, 11, 1, 0]],
    ["ids that are longer than it", [1, 1, 3, 1, 11, HUGE, 0]],
    ["ids without a length", [1, 1, 3, HUGE, 11, 0, 0]],
    ["more slots than it has bytes", [1, 1, 2, HUGE, 0]],
    ["more bits than it has bytes", [1, 1, 1, 0, HUGE, 255]],
    ["slots beyond all numbers", [1, 1, 4, 2, 10, "a", "b", HUGE, 0]],
    ["a text that is longer than it", [0, HUGE]],
    ["a number that does not end", [0, new Uint8Array(400).fill(0x80)]],
    ["a number that ends after many bytes", [0, new Uint8Array(400).fill(0x80), 0]],
    ["a slot that nobody was told of", [1, 1, 2, 1, 7, 0]],
    ["a row without a name in a collection", [1, 1, 0, 0]],
    ["keys for what has none", [1, 0, 3, 1, 10, "a", 0]],
    ["a removal of what has no entries", [2, 0, 0]],
    ["fields that the table does not have", [1, 1, 3, 1, 10, "a", 8, 1, 5]],
    ["a table that there is not", [1, 2, 0, 0]],
    ["a number that the codec has none for", [1, 1, 3, 1, 10, "a", 1, 65, 16]],
    ["a negative number for a codec", [1, 1, 3, 1, 10, "a", 1, 68, Uint8Array.of(255)]],
    ["a fraction for a codec", [1, 1, 3, 1, 10, "a", 1, 72, new Uint8Array(new Float64Array([0.5]).buffer)]],
    ["a text that the list does not have", [1, 1, 3, 1, 10, "a", 2, 65, 2]],
    ["a codec for a field without one", [1, 1, 3, 1, 10, "a", 4, 65, 1]],
    ["a number that JSON does not have", [1, 1, 3, 1, 10, "a", 4, 8, new Uint8Array(new Float64Array([NaN]).buffer)]],
    ["a small number that JSON does not have", [1, 0, 0, 1, 7, new Uint8Array(new Float32Array([Infinity]).buffer)]],
    ["a difference from nothing", [1, 1, 3, 1, 10, "a", 4, 12, 1]],
    ["a key that reaches a prototype", [1, 1, 3, 1, 10, "__proto__", 0]],
    ["a removal of a prototype", [2, 1, 3, 1, 10, "constructor"]],
    ["more pieces than it has bytes", [1, 1, 4, 1, 10, "a", 0, 0, 4, 1, 0, HUGE]],
    ["pieces with types that are not there", [4, 1, 7]],
    ["pieces of a slot that nobody was told of", [4, 1, 4, 1, 1, 3, 5]],
    ["pieces of what has no entries", [4, 0, 1, 1, 1, 0, 5]],
    ["pieces with a difference", [1, 1, 4, 1, 10, "a", 0, 0, 4, 1, 4, 12, 1, 0, 1]],
    ["pieces of a type that there is not", [1, 1, 4, 1, 10, "a", 0, 0, 4, 1, 4, 13, 1, 0, 1]],
    ["pieces of a field that there is not", [1, 1, 4, 1, 10, "a", 0, 0, 4, 1, 8, 1, 1, 0, 1]],
    ["a table that is none", [3, 2, "{}"]],
    ["a table whose names reach a prototype", [3, 2, '[["__proto__"],1,[]]']],
    ["rows of a table that was told after them", [1, 2, 3, 1, 10, "a", 0, 3, 2, '[["p"],1,[]]']],
    ["slots of a table that was told again", [1, 1, 4, 1, 10, "a", 0, 0, 3, 1, '[["p"],1,[]]', 1, 1, 2, 1, 0, 0]],
    ["JSON that is no object", [0, "[]"]],
    ["a text that is no JSON", [0, "{"]],
    ["a text that is not UTF-8", [0, Uint8Array.of(1, 0xff)]],
    ["a column of another length", [1, 1, 3, 1, 10, "a", 4, 0, "[1,2]"]],
    ["a block of an unknown kind", [3]],
    ["rows of an unknown kind", [1, 1, 6, 1]],
    ["a column of an unknown kind", [1, 1, 3, 1, 10, "a", 4, 13, 0]],
  ])("refuses %s", (_, parts) => {
    expect(() => read(TABLES, ...parts)).toThrow(MalformedFrame);
  });

  it.each([
    ["names that reach a prototype", [[["__proto__"], 1, []]]],
    ["fields that reach a prototype", [[[], 0, [[["constructor", "a"]]]]]],
    ["more names than any state has levels", [[Array.from({ length: 200 }, () => "a"), 1, []]]],
    ["a codec that there is not", [[[], 0, [[["a"], { zigzag: 1 }]]]]],
    ["no list", {}],
  ])("refuses tables with %s", (_, tables) => {
    expect(() => read(JSON.stringify(tables))).toThrow(MalformedFrame);
  });

  it("holds no more memory than a frame pays for, even if each bit is a value", () => {
    const keys = Array.from({ length: 64 }, (_, index) => `k${index}`);
    const fields = Array.from({ length: 30 }, (_, index) => [[`f${index}`, "a", "b", "c"]]);
    const reader = new FrameReader();
    const head = { ...told, tables: JSON.stringify([[["players"], 1, fields]]) };
    reader.read(writeSyncFrame(head, patch(1, 0, 4, keys.length, 10, ...keys, 0, 0)), {});
    const isSet = new Uint8Array(8).fill(255);
    const columns = fields.flatMap(() => [9, isSet]);
    const frame = writeSyncFrame({ seq: 1 }, patch(1, 0, 1, 0, 8, isSet, 2 ** 30 - 1, ...columns));
    const { value } = reader.read(frame, {});
    expect(value).toMatchObject({ players: { k63: { f29: { a: { b: { c: true } } } } } });
    expect(sizeOf(value)).toBeLessThan(MOST_PER_BYTE * frame.length);
  });

  it("stops at the first slot that nobody named, and makes nothing of the bits that follow", () => {
    // An object for each bit would need more memory than a Worker has.
    const bits = new Uint8Array(16_000_000).fill(255);
    expect(() => read(TABLES, 1, 1, 1, 0, bits.length, bits)).toThrow("unknown entry");
  });

  it("has no fields with many names in a row, since each bit would create as many objects", () => {
    const deep = Array.from({ length: 150 }, (_, index) => `n${index}`);
    const tables = JSON.stringify([[["players"], 1, [[deep], [["x"]]]]]);
    expect(read(tables, 1, 0, 4, 1, 10, "a", 0, 1, 9, 1)).toMatchObject({ value: { players: { a: { x: true } } } });
    expect(() => read(tables, 1, 0, 4, 1, 10, "a", 0, 2, 9, 1)).toThrow(MalformedFrame);
  });
});
