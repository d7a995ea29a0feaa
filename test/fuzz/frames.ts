import fc from "fast-check";
import { ByteWriter } from "../../src/protocol/binary/bytes.ts";
import { recordedFrames } from "../protocol/binary/recorded-frames.ts";
import { hostileKey, jsonText } from "./generate.ts";

/** Binary frames that a hostile room could send. */

type Write = (out: ByteWriter) => void;

function frameOf(write: Write): Uint8Array {
  const out = new ByteWriter();
  write(out);
  return out.take();
}

/** A small count, or one that claims far more items than any frame has. */
const count = fc.oneof(
  { weight: 6, arbitrary: fc.nat(20) },
  fc.constantFrom(64, 2 ** 16, 2 ** 31, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER),
);
const varint: fc.Arbitrary<Write> = count.map((value) => (out) => out.varint(value));
/** A number with more bytes than any valid number. */
const endless = fc.constantFrom<Write>(
  (out) => out.bytes(new Uint8Array(300).fill(0x80)),
  (out) => out.bytes(new Uint8Array(300).fill(0xff)),
  (out) => out.bytes(Uint8Array.from({ length: 300 }, (_, index) => (index === 299 ? 0 : 0x80))),
);
const bytes: fc.Arbitrary<Write> = fc.uint8Array({ maxLength: 40 }).map((some) => (out) => out.bytes(some));
const name = fc.oneof({ weight: 3, arbitrary: fc.constantFrom("x", "y", "players", "at", "a") }, hostileKey);
const text: fc.Arbitrary<Write> = name.map((value) => (out) => out.text(value));
const byte = (most: number): fc.Arbitrary<Write> => fc.nat(most).map((value) => (out) => out.byte(value));
const json: fc.Arbitrary<Write> = fc
  .oneof(
    jsonText,
    fc.nat(3000).map((depth) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`),
    fc.nat(3000).map((depth) => "[".repeat(depth) + "]".repeat(depth)),
  )
  .map((value) => (out) => out.text(value));

function sequence(...parts: readonly fc.Arbitrary<Write>[]): fc.Arbitrary<Write> {
  return fc.tuple(...parts).map((writes) => (out) => {
    for (const write of writes) write(out);
  });
}
function several(part: fc.Arbitrary<Write>, maxLength: number): fc.Arbitrary<Write> {
  return fc.array(part, { maxLength }).map((writes) => (out) => {
    for (const write of writes) write(out);
  });
}
const kind = (value: number): fc.Arbitrary<Write> => fc.constant((out) => out.byte(value));

const texts = fc.oneof(sequence(kind(10), several(text, 8)), sequence(kind(11), varint, bytes));
const column = fc.oneof(
  sequence(byte(80), bytes),
  sequence(kind(0), json),
  sequence(fc.constantFrom(9, 12, 65, 66, 76).chain(kind), bytes),
  texts,
);
const rows = fc.oneof(
  kind(0),
  sequence(kind(1), varint, varint, bytes),
  sequence(kind(2), varint, several(varint, 8)),
  sequence(byte(6), varint, texts, several(varint, 8)),
);
const codec = fc.oneof(
  fc.record({
    quantized: fc.tuple(
      fc.constantFrom(0, -1e308, Number.MAX_VALUE),
      fc.constantFrom(1, 0, Number.MAX_VALUE),
      fc.constantFrom(16, 0, -1, 1.5, 1e9),
    ),
  }),
  fc.record({ oneOf: fc.array(fc.oneof(hostileKey, fc.constantFrom({}, { a: {} }, [], 1, null)), { maxLength: 4 }) }),
  fc.constantFrom({}, { quantized: [] }, null, 7),
);
const names = fc.oneof(
  fc.array(name, { maxLength: 5 }),
  fc.nat(400).map((length) => Array.from({ length }, () => "n")),
);
const fields = fc.array(
  fc.oneof(
    names.map((path) => [path]),
    fc.tuple(names, codec),
  ),
  { maxLength: 40 },
);
const table = fc.tuple(names, fc.constantFrom(0, 1, 2), fields);

const block = fc.oneof(
  sequence(kind(0), json),
  sequence(kind(1), byte(3), rows, varint, several(column, 4)),
  sequence(kind(2), byte(3), rows),
  sequence(
    kind(3),
    byte(5),
    table.map((spec) => (out: ByteWriter) => out.text(JSON.stringify(spec))),
  ),
  sequence(
    kind(4),
    byte(5),
    varint,
    fc.oneof(bytes, several(byte(80), 2)),
    varint,
    several(fc.oneof(varint, column), 6),
  ),
  bytes,
  endless,
);

const tables = fc.oneof(
  fc.array(table, { maxLength: 4 }).map((specs) => JSON.stringify(specs)),
  jsonText,
);
const section = (id: number, write: Write): Write => {
  return (out) => {
    const inner = frameOf(write);
    out.byte(id);
    out.varint(inner.length);
    out.bytes(inner);
  };
};
const madeUp: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.nat(3), tables, fc.boolean(), fc.array(block, { maxLength: 5 }))
  .map(([seq, specs, isTold, blocks]) =>
    frameOf((out) => {
      out.byte(1);
      out.varint(seq);
      out.byte(isTold ? 2 : 0);
      if (isTold) {
        section(8, (inner) => inner.rest(specs))(out);
        section(9, (inner) => inner.rest(specs))(out);
      }
      for (const write of blocks) write(out);
    }),
  );

/** A change of a frame that a room made. The positions are fractions of its length. */
const harm = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  length: fc.nat(20),
  by: fc.oneof(
    fc.nat(255).map((value) => [value]),
    fc.constantFrom([], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], [...new TextEncoder().encode("__proto__")]),
    fc.constant("again" as const),
    fc.constant("end" as const),
  ),
});
type Harm = typeof harm extends fc.Arbitrary<infer T> ? T : never;

function harmed(frame: Uint8Array, { at, length, by }: Harm): Uint8Array {
  const from = Math.floor(at * frame.length);
  const [head, part, rest] = [frame.slice(0, from), frame.slice(from, from + length), frame.slice(from + length)];
  if (by === "end") return head;
  return Uint8Array.from([...head, ...(by === "again" ? [...part, ...part] : by), ...rest]);
}

const spoiledFrames = fc
  .tuple(recordedFrames, fc.array(fc.option(fc.array(harm, { minLength: 1, maxLength: 3 })), { maxLength: 12 }))
  .map(([frames, harms]) => frames.map(({ bytes: frame }, index) => (harms[index] ?? []).reduce(harmed, frame)));

/** The frames of one connection: damaged frames of a room, frames that only follow the format, or random bytes. */
export const hostileFrames: fc.Arbitrary<readonly Uint8Array[]> = fc.oneof(
  { weight: 2, arbitrary: spoiledFrames },
  { weight: 2, arbitrary: fc.array(madeUp, { minLength: 1, maxLength: 4 }) },
  fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 3 }),
);
