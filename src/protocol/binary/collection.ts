import { DELETE, isPlain } from "../values.ts";
import type { Plain } from "../values.ts";
import { BLOCK } from "./blocks.ts";
import type { ByteWriter } from "./bytes.ts";
import { writeColumn } from "./columns.ts";
import { addFields, beginRows, Columns, fill, NO_TAKERS } from "./patch-encoder.ts";
import type { EntryWriter, Mode, Parts } from "./patch-encoder.ts";
import { bySlot, hasField, Row, RowBlocks } from "./row-blocks.ts";
import type { RowBlock } from "./row-blocks.ts";
import { writeKeys, writeSlots } from "./rows.ts";
import { Slots } from "./slots.ts";
import type { Table } from "./tables.ts";

/** A table of entries with keys, and the slots of these. */
export class Collection extends Columns implements EntryWriter {
  readonly parts: Parts = new Map();
  readonly slots: Slots;

  constructor(index: number, table: Table, slots = new Slots()) {
    super(index, table);
    this.slots = slots;
    addFields(this.parts, table);
  }

  begin(): void {
    this.slots.begin();
  }

  writeEntries(out: ByteWriter, entries: Readonly<Plain>, mode: Mode): Plain | undefined {
    const rows = new NamedRows();
    let rest: Plain | undefined;
    for (const key of Object.keys(entries)) {
      const patch = entries[key];
      const slot = mode === "shared" && !isPlain(patch) ? this.slots.release(key) : undefined;
      if (slot !== undefined && patch === DELETE) {
        rows.removed.push(slot);
        continue;
      }
      const left = takeEntry(this, rows, key, patch, mode);
      if (left !== undefined) (rest ??= {})[key] = left;
    }
    rows.write(out, this, mode === "shared");
    return rest;
  }

  replaced(out: ByteWriter, mode: Mode): void {
    if (mode === "shared") this.slots.clear();
    else this.tellSlots(out);
  }

  /** Tells a client the slots of entries that it has. @param keys with their slots */
  tellSlots(out: ByteWriter, keys: ReadonlyMap<string, number> = this.slots.keys): void {
    if (keys.size === 0) return;
    beginRows(out, this.index);
    writeKeys(out, [...keys.keys()], [...keys.values()]);
    out.varint(0);
  }
}

/** Rows of a collection, by the way they are named. */
export class NamedRows {
  /** The slots of removed entries. */
  readonly removed: number[] = [];
  /** Rows with slots that clients know. */
  readonly known = new RowBlocks();
  /** Rows with keys and their new slots. */
  readonly told = new RowBlocks();
  /** Rows with keys. */
  readonly named = new RowBlocks();

  /** @param isBase whether all clients have these values afterwards, so that later rows may be differences */
  write(out: ByteWriter, collection: Collection, isBase = false): void {
    if (this.removed.length > 0) writeRemovals(out, collection, this.removed);
    for (const block of this.known) writeBlock(out, collection, bySlot(block), isBase, writeSlots);
    for (const block of this.told)
      writeBlock(out, collection, block, isBase, (to) => writeKeys(to, block.keys, block.slots));
    for (const block of this.named)
      writeBlock(out, collection, block, isBase, (to) => writeKeys(to, block.keys, undefined));
  }
}

/** @param slots the slots of removed entries */
export function writeRemovals(out: ByteWriter, { index }: Collection, slots: readonly number[]): void {
  out.byte(BLOCK.removals);
  out.varint(index);
  writeSlots(
    out,
    slots.toSorted((one, other) => one - other),
  );
}

/** @returns the values that are not fields of the table */
function takeEntry({ parts, slots }: Collection, rows: NamedRows, key: string, patch: unknown, mode: Mode): unknown {
  const slot = slots.of(key);
  const row = new Row();
  // A name with a dot is a path into a value that replaced an entry.
  const isEntry = isPlain(patch) && !key.includes(".");
  const left = isEntry ? fill(row, parts, patch, NO_TAKERS) : patch;
  if (row.isTorn && slot !== undefined && mode === "shared") slots.forgetSent(slot);
  const isUntold = slot !== undefined && mode === "whole";
  if (row.mask === 0 && !isUntold) return patch;
  if (slot === undefined && mode !== "shared") rows.named.add(row, key);
  else if (slot === undefined) rows.told.add(row, key, slots.assign(key));
  else if (isUntold || slots.isFresh(slot)) rows.told.add(row, key, slot);
  else rows.known.add(row, key, slot);
  return left;
}

function writeBlock(
  out: ByteWriter,
  collection: Collection,
  { mask, slots: named, rows }: RowBlock,
  isBase: boolean,
  writeNames: (out: ByteWriter, slots: readonly number[]) => void,
): void {
  const { index, table, slots } = collection;
  collection.used |= mask;
  beginRows(out, index);
  writeNames(out, named);
  out.varint(mask);
  const sent = isBase ? named.map((slot) => slots.sent(slot)) : undefined;
  for (const [field, { codec }] of table.fields.entries()) {
    if (!hasField(mask, field)) continue;
    const values = rows.map((row) => row[field]);
    writeColumn(out, values, codec, sent && ((row) => sent[row]?.[field]));
    for (const [row, value] of values.entries())
      if (sent?.[row]) sent[row][field] = typeof value === "number" ? value : undefined;
  }
}
