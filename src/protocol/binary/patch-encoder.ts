import { isNewObject } from "../clean-patch.ts";
import { DELETE, isPlain } from "../values.ts";
import type { Plain } from "../values.ts";
import { BLOCK, writeJson } from "./blocks.ts";
import { written } from "./bytes.ts";
import type { ByteWriter } from "./bytes.ts";
import { writeColumn } from "./columns.ts";
import { bySlot, hasField, Row, RowBlocks } from "./row-blocks.ts";
import type { RowBlock } from "./row-blocks.ts";
import { writeKeys, writeSingle, writeSlots } from "./rows.ts";
import { Slots } from "./slots.ts";
import { partOf, writeTable } from "./tables.ts";
import type { Table } from "./tables.ts";

/** The meaning of a name in a patch: a field of its row, an object of fields, or a collection. */
type Part = number | Parts | Collection;
type Parts = Map<string, Part>;

/** A table, and which of its fields were written. */
class Columns {
  readonly index: number;
  readonly table: Table;
  /** A bit for each field. */
  used = 0;

  constructor(index: number, table: Table) {
    this.index = index;
    this.table = table;
  }
}

/** A table of entries with keys. */
export class Collection extends Columns {
  readonly parts: Parts = new Map();
  readonly slots: Slots;

  constructor(index: number, table: Table, slots = new Slots()) {
    super(index, table);
    this.slots = slots;
    addFields(this.parts, table);
  }
}

/** The readers of a patch. `shared`: all clients. `whole`: a client that knows none of the slots. */
type Mode = "shared" | "whole";

/**
 * Writes patches as blocks: columns of values for fields in tables, and JSON for the rest. It has to see each patch for
 * all clients, since it tracks what all clients have.
 */
export class PatchEncoder {
  readonly #root: Parts = new Map();
  /** The fields that are not in an entry. */
  readonly #rootRow: Columns | undefined;
  readonly #collections: Collection[] = [];
  /** The values that clients have of the fields that are not in an entry. */
  #sent: unknown[] = [];

  constructor(tables: readonly Table[]) {
    for (const [index, table] of tables.entries()) {
      if (!table.isKeyed) {
        this.#rootRow = new Columns(index, table);
        addFields(this.#root, table);
        continue;
      }
      const collection = new Collection(index, table);
      this.#collections.push(collection);
      addPart(this.#root, table.names, collection);
    }
  }

  shared(patch: Readonly<Plain>): Uint8Array<ArrayBuffer> {
    for (const { slots } of this.#collections) slots.begin();
    return this.#encode(patch, "shared");
  }

  whole(patch: Readonly<Plain>): Uint8Array<ArrayBuffer> {
    return this.#encode(patch, "whole");
  }

  /**
   * Writes a patch for one client. It contains no slots, and only the tables that it needs, so that the client learns
   * nothing else. Values are absolute. The encoder writes nothing else for this client.
   * @param told the fields that the client knows of each table, as bits. Fields that it learns now are added
   */
  alone(patch: Readonly<Plain>, told: Map<Table, number>): Uint8Array<ArrayBuffer> {
    const blocks = this.whole(patch);
    return written((out) => {
      for (const [index, table, used] of this.#takeUsed()) {
        const known = told.get(table) ?? 0;
        if (!told.has(table) || (used | known) !== known) writeTable(out, index, partOf(table, known | used));
        told.set(table, known | used);
      }
      out.bytes(blocks);
    });
  }

  *#takeUsed(): Iterable<readonly [index: number, table: Table, fields: number]> {
    for (const columns of this.#rootRow ? [this.#rootRow, ...this.#collections] : this.#collections) {
      if (columns.used > 0) yield [columns.index, columns.table, columns.used];
      columns.used = 0;
    }
  }

  /** The slots of all entries, for a client that has the entries but not their slots. */
  slots(): Uint8Array<ArrayBuffer> {
    return written((out) => {
      for (const collection of this.#collections) tellSlots(out, collection);
    });
  }

  #encode(patch: Readonly<Plain>, mode: Mode): Uint8Array<ArrayBuffer> {
    return written((out) => {
      const row = new Row();
      const rest = fill(row, this.#root, patch, {
        entries: (collection, entries) => writeEntries(out, collection, entries, mode),
        replaced: (part) => replaced(out, part, mode),
      });
      if (row.isTorn && mode === "shared") this.#sent = [];
      if (row.mask > 0) this.#writeRoot(out, row, mode);
      if (rest) writeJson(out, rest);
    });
  }

  #writeRoot(out: ByteWriter, { mask, values }: Row, mode: Mode): void {
    const root = this.#rootRow as Columns;
    root.used |= mask;
    beginRows(out, root.index);
    writeSingle(out);
    out.varint(mask);
    for (const [field, { codec }] of root.table.fields.entries()) {
      if (!hasField(mask, field)) continue;
      const before = mode === "shared" ? () => this.#sent[field] : undefined;
      writeColumn(out, [values[field]], codec, before);
      if (mode === "shared") this.#sent[field] = values[field];
    }
  }
}

function addFields(parts: Parts, { fields }: Table): void {
  for (const [index, { names }] of fields.entries()) addPart(parts, names, index);
}

function addPart(parts: Parts, names: readonly string[], part: Part): void {
  let inner = parts;
  for (const name of names.slice(0, -1)) {
    const next = inner.get(name);
    const map: Parts = next instanceof Map ? next : new Map();
    inner.set(name, map);
    inner = map;
  }
  inner.set(names.at(-1) as string, part);
}

/** What to do with the collections in a patch. */
interface Takers {
  /** Takes entries, and returns those that it did not take. */
  entries(collection: Collection, entries: Readonly<Plain>): Plain | undefined;
  /** A collection, or an object around it, was replaced. */
  replaced(part: Part): void;
}

/** An entry has no collections here. */
export const NO_TAKERS: Takers = { entries: (_, entries) => entries, replaced: () => {} };

/**
 * Moves the fields of a row from a patch into the row.
 * @returns the rest of the patch
 */
export function fill(row: Row, parts: Parts, patch: Readonly<Plain>, takers: Takers): Plain | undefined {
  let rest: Plain | undefined;
  for (const name of Object.keys(patch)) {
    const value = patch[name];
    const part = parts.get(name);
    // The content of a new object is not part of a table.
    const isNew = value === DELETE && isNewObject(patch, name);
    if (typeof part === "number" && !isNew) {
      row.set(part, value);
      continue;
    }
    const isFilled = part !== undefined && isPlain(value) && Object.keys(value).length > 0;
    let left: unknown = value;
    if (isFilled && part instanceof Map) left = fill(row, part, value, takers);
    else if (isFilled && part instanceof Collection) left = takers.entries(part, value);
    else if (part !== undefined) {
      row.isTorn ||= !(part instanceof Collection);
      takers.replaced(part);
    }
    if (left !== undefined) (rest ??= {})[name] = left;
  }
  return rest;
}

/** Slots become invalid. A client that was away gets them again. */
function replaced(out: ByteWriter, part: Part, mode: Mode): void {
  if (part instanceof Map) for (const inner of part.values()) replaced(out, inner, mode);
  else if (part instanceof Collection && mode === "shared") part.slots.clear();
  else if (part instanceof Collection && mode === "whole") tellSlots(out, part);
}

/** Tells a client the slots of entries that it has. @param keys with their slots */
export function tellSlots(
  out: ByteWriter,
  { index, slots }: Collection,
  keys: ReadonlyMap<string, number> = slots.keys,
): void {
  if (keys.size === 0) return;
  beginRows(out, index);
  writeKeys(out, [...keys.keys()], [...keys.values()]);
  out.varint(0);
}

/** Writes entries. @returns the values that are not fields of the table */
function writeEntries(
  out: ByteWriter,
  collection: Collection,
  entries: Readonly<Plain>,
  mode: Mode,
): Plain | undefined {
  const { slots } = collection;
  const rows = new NamedRows();
  let rest: Plain | undefined;
  for (const key of Object.keys(entries)) {
    const patch = entries[key];
    const slot = mode === "shared" && !isPlain(patch) ? slots.release(key) : undefined;
    if (slot !== undefined && patch === DELETE) {
      rows.removed.push(slot);
      continue;
    }
    const left = takeEntry(collection, rows, key, patch, mode);
    if (left !== undefined) (rest ??= {})[key] = left;
  }
  rows.write(out, collection, mode === "shared");
  return rest;
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

function beginRows(out: ByteWriter, index: number): void {
  out.byte(BLOCK.rows);
  out.varint(index);
}
