import { isNewObject } from "../clean-patch.ts";
import { DELETE, isPlain } from "../values.ts";
import type { Plain } from "../values.ts";
import { BLOCK, writeJson } from "./blocks.ts";
import { written } from "./bytes.ts";
import type { ByteWriter } from "./bytes.ts";
import { writeColumn } from "./columns.ts";
import { hasField, Row } from "./row-blocks.ts";
import { writeSingle } from "./rows.ts";
import { partOf, writeTable } from "./tables.ts";
import type { Table } from "./tables.ts";

/** The meaning of a name in a patch: a field of its row, an object of fields, or a collection. */
type Part = number | Parts | EntryWriter;
export type Parts = Map<string, Part>;

/** A table, and which of its fields were written. */
export class Columns {
  readonly index: number;
  readonly table: Table;
  /** A bit for each field. */
  used = 0;

  constructor(index: number, table: Table) {
    this.index = index;
    this.table = table;
  }
}

/** Writes the entries of a collection: see {@link Collection}. A Worker without collections does not contain that class. */
export interface EntryWriter extends Columns {
  /** A new patch for all clients begins. */
  begin(): void;
  /** Writes entries. @returns the values that are not fields of the table */
  writeEntries(out: ByteWriter, entries: Readonly<Plain>, mode: Mode): Plain | undefined;
  /** The collection was replaced. Slots become invalid, and a client that was away gets them again. */
  replaced(out: ByteWriter, mode: Mode): void;
  /** Tells a client the slots of all entries. */
  tellSlots(out: ByteWriter): void;
}

/** The class {@link Collection}. */
export type WriterOfEntries = new (index: number, table: Table) => EntryWriter;

/** The readers of a patch. `shared`: all clients. `whole`: a client that knows none of the slots. */
export type Mode = "shared" | "whole";

/**
 * Writes patches as blocks: columns of values for fields in tables, and JSON for the rest. It has to see each patch for
 * all clients, since it tracks what all clients have.
 */
export class PatchEncoder {
  readonly #root: Parts = new Map();
  /** The fields that are not in an entry. */
  readonly #rootRow: Columns | undefined;
  readonly #collections: EntryWriter[] = [];
  /** The values that clients have of the fields that are not in an entry. */
  #sent: unknown[] = [];

  /** @param Writer needed for tables of collections */
  constructor(tables: readonly Table[], Writer?: WriterOfEntries) {
    for (const [index, table] of tables.entries()) {
      if (table.isKeyed && Writer) {
        const collection = new Writer(index, table);
        this.#collections.push(collection);
        addPart(this.#root, table.names, collection);
      } else {
        this.#rootRow = new Columns(index, table);
        addFields(this.#root, table);
      }
    }
  }

  shared(patch: Readonly<Plain>): Uint8Array<ArrayBuffer> {
    for (const collection of this.#collections) collection.begin();
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
      for (const collection of this.#collections) collection.tellSlots(out);
    });
  }

  #encode(patch: Readonly<Plain>, mode: Mode): Uint8Array<ArrayBuffer> {
    return written((out) => {
      const row = new Row();
      const rest = fill(row, this.#root, patch, {
        entries: (collection, entries) => collection.writeEntries(out, entries, mode),
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

export function addFields(parts: Parts, { fields }: Table): void {
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
  entries(collection: EntryWriter, entries: Readonly<Plain>): Plain | undefined;
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
    else if (isFilled && part instanceof Columns) left = takers.entries(part, value);
    else if (part !== undefined) {
      row.isTorn ||= !(part instanceof Columns);
      takers.replaced(part);
    }
    if (left !== undefined) (rest ??= {})[name] = left;
  }
  return rest;
}

function replaced(out: ByteWriter, part: Part, mode: Mode): void {
  if (part instanceof Map) for (const inner of part.values()) replaced(out, inner, mode);
  else if (part instanceof Columns) part.replaced(out, mode);
}

/** Begins a block of rows. @param index of their table */
export function beginRows(out: ByteWriter, index: number): void {
  out.byte(BLOCK.rows);
  out.varint(index);
}
