import { cleanPatch } from "../clean-patch.ts";
import { URL_SAFE } from "../letters.ts";
import { DOUBLE, expect } from "./bytes.ts";
import type { ByteReader, ByteWriter, ReadType, WrittenType } from "./bytes.ts";
import type { Codec } from "./codecs.ts";

/** The encodings of a column: its first byte. */
const JSON_ARRAY = 0;
/** Types 1 to 8: numbers of one size, unchanged. */
const READ: readonly ReadType[] = [
  ["getUint8", 1],
  ["getUint16", 2],
  ["getUint32", 4],
  ["getInt8", 1],
  ["getInt16", 2],
  ["getInt32", 4],
  ["getFloat32", 4],
  ["getFloat64", 8],
];
const WRITTEN: readonly WrittenType[] = [
  { size: 1, write: (to, at, value) => to.setUint8(at, value) },
  { size: 2, write: (to, at, value) => to.setUint16(at, value, true) },
  { size: 4, write: (to, at, value) => to.setUint32(at, value, true) },
  { size: 1, write: (to, at, value) => to.setInt8(at, value) },
  { size: 2, write: (to, at, value) => to.setInt16(at, value, true) },
  { size: 4, write: (to, at, value) => to.setInt32(at, value, true) },
  { size: 4, write: (to, at, value) => to.setFloat32(at, value, true) },
  DOUBLE,
];
const INT8 = 4;
const FLOAT32 = 7;
const FLOAT64 = 8;
const BOOLEANS = 9;
const TEXTS = 10;
/** Texts of one length that consist of letters, digits, `-` and `_`: 6 bits per character. */
const IDS = 11;
/** Differences to the values that the client has, in one byte each. The values for {@link ESCAPE} follow at the end. */
const DIFFERENCES = 12;
const ESCAPE = -128;
/** Added to the type if the numbers are encoded with the field's codec. */
const CODED = 0x40;

const IS_ID = /^[\w-]+$/;
const LARGEST_DIFFERENCE = 127;

/** The value that the client has, by row. Undefined if that is unknown. */
export type Before = (row: number) => unknown;

/**
 * Writes the values of one field for several rows, in the fewest bytes that hold them exactly.
 * @param before the values that the client has: differences are written if they take fewer bytes
 */
export function writeColumn(
  out: ByteWriter,
  values: readonly unknown[],
  codec: Codec | undefined,
  before?: Before,
): void {
  const codes = codec && codesOf(values, codec);
  const type = typeof values[0];
  if (codes) writeNumbers(out, codes, CODED, before && ((row) => codec.code(before(row))));
  // JSON turns numbers that are not finite into null.
  else if (type === "number" && values.every(Number.isFinite)) writeNumbers(out, values as number[], 0, before);
  else if (type === "boolean" && areAll(values, "boolean")) writeBooleans(out, values);
  else if (type === "string" && values.every(isText)) writeTexts(out, values as string[]);
  else {
    out.byte(JSON_ARRAY);
    out.text(cleanPatch(JSON.stringify(values)));
  }
}

/** UTF-8 cannot encode half of a surrogate pair. JSON can, with an escape. */
function isText(value: unknown): boolean {
  return typeof value === "string" && value.isWellFormed();
}

function areAll(values: readonly unknown[], type: string): boolean {
  return values.every((value) => typeof value === type);
}

function codesOf(values: readonly unknown[], codec: Codec): number[] | undefined {
  const codes: number[] = [];
  for (const value of values) {
    const code = codec.code(value);
    if (code === undefined) return undefined;
    codes.push(code);
  }
  return codes;
}

function writeNumbers(out: ByteWriter, values: readonly number[], coded: number, before: Before | undefined): void {
  const type = typeOf(values);
  const numbers = WRITTEN[type - 1] as WrittenType;
  const { size } = numbers;
  if (before && type < FLOAT32 && size > 1 && writeDifferences(out, values, size, coded, before)) return;
  out.byte(type + coded);
  out.numbers(numbers, values);
}

/**
 * The type of a single number. It has the size of other numbers of its field: whole numbers are expected to be small.
 */
export function fixedType(value: number, codec: Codec | undefined): number {
  if (codec) return CODED + typeFor(0, codec.last);
  return Number.isInteger(value) ? typeFor(Math.min(value, LEAST_INT16), value) : typeOf([value]);
}
const LEAST_INT16 = -(2 ** 7) - 1;

/** @param type the type from {@link fixedType} */
export function writeFixed(out: ByteWriter, type: number, number: number): void {
  out.number(WRITTEN[(type % CODED) - 1] as WrittenType, number);
}

/** The smallest type that holds all of these numbers. */
function typeOf(values: readonly number[]): number {
  let [low, high] = [0, 0];
  for (const value of values) {
    if (!Number.isInteger(value)) return values.every((each) => Math.fround(each) === each) ? FLOAT32 : FLOAT64;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return typeFor(low, high);
}

/** The smallest integer type for this range. */
function typeFor(low: number, high: number): number {
  if (low >= 0) return high < 2 ** 8 ? 1 : high < 2 ** 16 ? 2 : high < 2 ** 32 ? 3 : FLOAT64;
  if (low >= -(2 ** 7) && high < 2 ** 7) return 4;
  if (low >= -(2 ** 15) && high < 2 ** 15) return 5;
  return low >= -(2 ** 31) && high < 2 ** 31 ? 6 : FLOAT64;
}

/** @returns false if it would not take fewer bytes. Nothing was written then */
function writeDifferences(
  out: ByteWriter,
  values: readonly number[],
  size: number,
  coded: number,
  before: Before,
): boolean {
  const escaped: number[] = [];
  const differences = values.map((value, row) => {
    const difference = value - baseOf(before(row));
    if (Math.abs(difference) <= LARGEST_DIFFERENCE) return difference;
    escaped.push(value);
    return ESCAPE;
  });
  if (values.length + escaped.length * (size + 1) >= values.length * size) return false;
  out.byte(DIFFERENCES + coded);
  out.numbers(WRITTEN[INT8 - 1] as WrittenType, differences);
  for (const value of escaped) out.varint(value < 0 ? -2 * value - 1 : 2 * value);
  return true;
}

/** The base of a difference: a whole number, or NaN. */
function baseOf(value: unknown): number {
  return Number.isInteger(value) ? (value as number) : NaN;
}

function writeBooleans(out: ByteWriter, values: readonly unknown[]): void {
  out.byte(BOOLEANS);
  writeBits(
    out,
    values.map((value) => Number(value)),
    1,
  );
}

/** Writes texts: packed, if they are ids of equal length. */
export function writeTexts(out: ByteWriter, texts: readonly string[]): void {
  const { length } = texts[0] ?? "";
  if (!texts.every((text) => text.length === length && IS_ID.test(text))) {
    out.byte(TEXTS);
    for (const text of texts) out.text(text);
    return;
  }
  out.byte(IDS);
  out.varint(length);
  const letters: number[] = [];
  for (const text of texts) for (let at = 0; at < length; at++) letters.push(URL_SAFE.indexOf(text[at] as string));
  writeBits(out, letters, 6);
}

/** Writes small numbers of this many bits, lowest bits of each byte first. */
function writeBits(out: ByteWriter, values: readonly number[], bits: number): void {
  let [buffer, filled] = [0, 0];
  for (const value of values) {
    buffer |= value << filled;
    filled += bits;
    for (; filled >= 8; filled -= 8, buffer >>= 8) out.byte(buffer & 0xff);
  }
  if (filled > 0) out.byte(buffer);
}

/**
 * Reads a column.
 * @param before the values that the client has
 * @throws MalformedFrame if the column is malformed
 */
export function readColumn(from: ByteReader, count: number, codec: Codec | undefined, before: Before): unknown[] {
  return readValues(from, from.byte(), count, codec, before);
}

/** Reads a column whose first byte, `type`, was already read. */
export function readValues(
  from: ByteReader,
  type: number,
  count: number,
  codec: Codec | undefined,
  before: Before,
): unknown[] {
  if (type < CODED) return readNumbers(from, type, count, before) ?? readOthers(from, type, count);
  expect(codec, "no codec");
  const codes = readNumbers(from, type - CODED, count, (row) => codec.code(before(row)));
  expect(codes, "unknown column");
  return codes.map((code) => {
    const value = codec.value(code);
    // Only a hostile room describes a codec without values.
    expect(value !== undefined && !Number.isNaN(value), "no such value");
    return value;
  });
}

function readNumbers(from: ByteReader, type: number, count: number, before: Before): number[] | undefined {
  if (type === DIFFERENCES) return readDifferences(from, count, before);
  const numbers = READ[type - 1];
  const values = numbers && from.numbers(numbers, count);
  expect(!values?.some((value) => !Number.isFinite(value)), "no such value");
  return values;
}

function readDifferences(from: ByteReader, count: number, before: Before): number[] {
  const values = from.numbers(READ[INT8 - 1] as ReadType, count);
  for (const [row, difference] of values.entries()) {
    const code = difference === ESCAPE ? from.varint() : 0;
    const escaped = code % 2 === 1 ? -(code + 1) / 2 : code / 2;
    const value = difference === ESCAPE ? escaped : baseOf(before(row)) + difference;
    expect(!Number.isNaN(value), "difference from nothing");
    values[row] = value;
  }
  return values;
}

function readOthers(from: ByteReader, type: number, count: number): unknown[] {
  if (type === TEXTS || type === IDS) return readTextsOf(from, type, count);
  if (type === BOOLEANS) return readBits(from, count, 1).map((bit) => bit === 1);
  expect(type === JSON_ARRAY, "unknown column");
  const values = from.json();
  expect(Array.isArray(values) && values.length === count, "unknown column");
  return values;
}

/** @throws MalformedFrame if the texts are malformed */
export function readTexts(from: ByteReader, count: number): string[] {
  return readTextsOf(from, from.byte(), count);
}

function readTextsOf(from: ByteReader, type: number, count: number): string[] {
  if (type === TEXTS) {
    const texts: string[] = [];
    while (texts.length < count) texts.push(from.text());
    return texts;
  }
  const length = from.varint();
  expect(type === IDS && length > 0, "unknown column");
  const letters = readBits(from, count * length, 6).map((index) => URL_SAFE[index]);
  return Array.from({ length: count }, (_, row) => letters.slice(row * length, (row + 1) * length).join(""));
}

function readBits(from: ByteReader, count: number, bits: number): number[] {
  const bytes = from.bytes(Math.ceil((count * bits) / 8));
  const mask = 2 ** bits - 1;
  return Array.from({ length: count }, (_, index) => {
    const at = index * bits;
    const pair = (bytes[at >> 3] as number) | ((bytes[(at >> 3) + 1] ?? 0) << 8);
    return (pair >> (at & 7)) & mask;
  });
}
