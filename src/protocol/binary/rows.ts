import { expect } from "./bytes.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { readTexts, writeTexts } from "./columns.ts";

/** How the rows of a block are named: its third byte. */
const SINGLE = 0;
/** By slots in ascending order: as bits from the first one, or as differences. */
const BITMAP = 1;
const SLOTS = 2;
/** By keys. A row with a slot also names it: consecutive slots, or one slot for each. */
const KEYS = 3;
const KEYS_FROM = 4;
const KEYS_SLOTS = 5;

/** A row has a slot, a key, or both. The only row of a table without keys has neither. */
export interface RowName {
  readonly slot?: number | undefined;
  readonly key?: string | undefined;
}

export function writeSingle(out: ByteWriter): void {
  out.byte(SINGLE);
}

/** @param slots at least one, in ascending order */
export function writeSlots(out: ByteWriter, slots: readonly number[]): void {
  const first = slots[0] as number;
  const width = Math.floor(((slots.at(-1) as number) - first) / 8) + 1;
  if (width > slots.length) {
    out.byte(SLOTS);
    out.varint(slots.length);
    let next = 0;
    for (const slot of slots) {
      out.varint(slot - next);
      next = slot + 1;
    }
    return;
  }
  out.byte(BITMAP);
  out.varint(first);
  out.varint(width);
  const bits = new Uint8Array(width);
  for (const slot of slots) (bits[(slot - first) >> 3] as number) |= 1 << ((slot - first) & 7);
  out.bytes(bits);
}

/** @param slots one for each key, or none */
export function writeKeys(out: ByteWriter, keys: readonly string[], slots: readonly number[] | undefined): void {
  const isRow = slots?.every((slot, index) => slot === (slots[0] as number) + index);
  out.byte(!slots ? KEYS : isRow ? KEYS_FROM : KEYS_SLOTS);
  out.varint(keys.length);
  writeTexts(out, keys);
  for (const slot of isRow ? (slots?.slice(0, 1) ?? []) : (slots ?? [])) out.varint(slot);
}

/**
 * Reads one name after the other, so that a reader can stop at an unknown one: a byte may claim eight rows.
 * @throws MalformedFrame if the rows are malformed
 */
export function* readRows(from: ByteReader): Generator<RowName> {
  const kind = from.byte();
  if (kind === SINGLE) return yield {};
  // The first slot of a bitmap, or the number of rows.
  const count = from.varint();
  let slot = -1;
  if (kind === BITMAP) {
    for (const [index, byte] of from.bytes(from.varint()).entries())
      for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) yield { slot: count + index * 8 + bit };
  } else if (kind === SLOTS) {
    for (let left = count; left > 0; left--) yield { slot: (slot += from.varint() + 1) };
  } else {
    expect(kind >= KEYS && kind <= KEYS_SLOTS, "unknown rows");
    const keys = readTexts(from, count);
    if (kind === KEYS_FROM) slot = from.varint() - 1;
    expect(slot + count < Number.MAX_SAFE_INTEGER, "number too large");
    for (const key of keys)
      yield { key, slot: kind === KEYS ? undefined : kind === KEYS_FROM ? ++slot : from.varint() };
  }
}
