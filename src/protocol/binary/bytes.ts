/** Thrown while a binary frame is read that does not follow the protocol. */
export class MalformedFrame extends Error {
  constructor(what: string) {
    super(`A binary frame is malformed: ${what}`);
  }
}

/** @throws MalformedFrame if a condition of the protocol does not hold */
export function expect(holds: unknown, what: string): asserts holds {
  if (!holds) throw new MalformedFrame(what);
}

const encoder = /* @__PURE__ */ new TextEncoder();
/** React Native may have no decoder. Its clients do not ask for binary frames. */
const decoder =
  typeof TextDecoder === "undefined" ? undefined : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const FIRST_SIZE = 512;
const FEW = 32;
/** The scale of the eighth byte of a varint. Eight bytes hold all exact integers. */
const LAST_SCALE = 2 ** 49;

/** Writes numbers and texts one after the other. Numbers of several bytes are little-endian. */
export class ByteWriter {
  length = 0;
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;

  constructor() {
    this.#bytes = new Uint8Array(FIRST_SIZE);
    this.#view = new DataView(this.#bytes.buffer);
  }

  byte(value: number): void {
    this.#grow(1);
    this.#bytes[this.length++] = value;
  }

  /** A whole number from 0, 7 bits per byte, lowest first. The highest bit says that another byte follows. */
  varint(value: number): void {
    this.#grow(8);
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.#bytes[this.length++] = (rest % 128) | 0x80;
    this.#bytes[this.length++] = rest;
  }

  bytes(bytes: Uint8Array): void {
    const { length } = bytes;
    this.#grow(length);
    // For a few bytes, a call costs more than a loop.
    if (length > FEW) this.#bytes.set(bytes, this.length);
    else for (let at = 0; at < length; at++) this.#bytes[this.length + at] = bytes[at] as number;
    this.length += length;
  }

  /** A text with its length: the bytes as a varint, then UTF-8. */
  text(text: string): void {
    const bytes = encoder.encode(text);
    this.varint(bytes.length);
    this.bytes(bytes);
  }

  /** A text without its length, which fills the rest of a frame or block. */
  rest(text: string): void {
    this.bytes(encoder.encode(text));
  }

  /** Numbers of one type. */
  numbers(type: WrittenType, values: readonly number[]): void {
    this.#grow(values.length * type.size);
    for (const value of values) this.number(type, value);
  }

  number({ size, write }: WrittenType, value: number): void {
    this.#grow(size);
    // As in JSON, -0 becomes 0.
    write(this.#view, this.length, value + 0);
    this.length += size;
  }

  /** The bytes written so far. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.slice(0, this.length);
    this.length = 0;
    return bytes;
  }

  /** The capacity in bytes. */
  get room(): number {
    return this.#bytes.length;
  }

  #grow(by: number): void {
    const needed = this.length + by;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Unused writers, which are kept since rooms write many short pieces. */
const writers: ByteWriter[] = [];
/** Larger writers are not kept, in bytes. */
const MOST_KEPT = 65_536;

/** @returns the bytes that a function writes */
export function written(write: (out: ByteWriter) => void): Uint8Array<ArrayBuffer> {
  const out = writers.pop() ?? new ByteWriter();
  write(out);
  const bytes = out.take();
  if (out.room <= MOST_KEPT) writers.push(out);
  return bytes;
}

/** How numbers of one type are written. Looking methods of `DataView` up by name costs much more. */
export interface WrittenType {
  /** The size of a number in bytes. */
  readonly size: number;
  readonly write: (to: DataView, at: number, value: number) => void;
}

export const DOUBLE: WrittenType = { size: 8, write: (to, at, value) => to.setFloat64(at, value, true) };

/** How numbers are read: the name of a method, which takes less space in clients. */
export type ReadType = readonly [method: `get${"Uint" | "Int"}${8 | 16 | 32}` | `getFloat${32 | 64}`, size: number];

/** Reads what {@link ByteWriter} writes. Each method throws if the bytes do not fit. */
export class ByteReader {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The number of bytes left. */
  get left(): number {
    return this.#bytes.length - this.at;
  }

  byte(): number {
    expect(this.left > 0, "too short");
    return this.#bytes[this.at++] as number;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= LAST_SCALE; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80 && value <= Number.MAX_SAFE_INTEGER) return value;
    }
    throw new MalformedFrame("number too large");
  }

  bytes(length: number): Uint8Array {
    expect(length <= this.left, "too short");
    return this.#bytes.subarray(this.at, (this.at += length));
  }

  text(): string {
    return this.part(this.varint()).rest();
  }

  /** A reader for the next bytes. */
  part(length: number): ByteReader {
    return new ByteReader(this.bytes(length));
  }

  /** The remaining bytes as text. */
  rest(): string {
    return (decoder as TextDecoder).decode(this.bytes(this.left));
  }

  numbers([method, size]: ReadType, count: number): number[] {
    const from = this.at;
    this.bytes(count * size);
    return Array.from({ length: count }, (_, index) => this.#view[method](from + index * size, true));
  }

  /** A text with its length, as JSON. */
  json(): unknown {
    return this.part(this.varint()).restJson();
  }

  /** The remaining bytes as JSON. */
  restJson(): unknown {
    return JSON.parse(this.rest());
  }
}
