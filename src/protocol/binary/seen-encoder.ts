import { DELETE } from "../packets.ts";
import { isPlain } from "../values.ts";
import type { Plain } from "../values.ts";
import { BLOCK } from "./blocks.ts";
import { ByteWriter } from "./bytes.ts";
import { Collection, fill, NamedRows, NO_TAKERS, tellSlots } from "./patch-encoder.ts";
import { Row } from "./row-blocks.ts";
import { Slots } from "./slots.ts";
import { readTables } from "./tables.ts";
import type { TableSpec } from "./tables.ts";

/** What a client is told of an entry: all who see it are told a change; the others are told to some alone. */
export interface ToldEntry {
  readonly key: string;
  readonly form: "change" | "whole" | "late" | "gone";
  /** As in a patch. */
  readonly value: unknown;
}

/** An entry, as far as the fields of its table hold it. */
interface Filled {
  readonly row: Row;
  readonly left: unknown;
}

/**
 * Writes entries of collections that not everybody sees. Such a table is told to a client that sees an entry of it, and
 * slots are random: neither says anything of entries that the client may not see.
 */
export class SeenEncoder {
  readonly #specs: readonly TableSpec[];
  readonly #first: number;
  readonly #collections: readonly Collection[];
  readonly #filled = new WeakMap<ToldEntry, Filled>();
  /** The tables that a connection was told, by their places. */
  readonly #told = new WeakMap<object, Set<number>>();

  /** @param first the index of the first table */
  constructor(specs: readonly TableSpec[], first: number) {
    this.#specs = specs;
    this.#first = first;
    this.#collections = readTables(specs).map((table, at) => new Collection(first + at, table, new Slots(true)));
  }

  /** A window begins: the slots of the last one are known to those who see their entries. */
  begin(): void {
    for (const { slots } of this.#collections) slots.begin();
  }

  /**
   * Gives slots to the entries that changed in a window. All who see them are told of that, and so of their slots, which
   * holds for no other packet.
   */
  assign(name: string, changes: Iterable<ToldEntry>): void {
    const collection = this.#of(name);
    if (!collection) return;
    const { slots } = collection;
    for (const change of changes) {
      if (slots.of(change.key) === undefined && this.#fill(collection.parts, change).row.mask > 0)
        slots.assign(change.key);
    }
  }

  /** The entry is gone for everybody. */
  release(name: string, key: string): void {
    this.#of(name)?.slots.release(key);
  }

  /** @param write puts its result after `put`, which writes a value under a key of a patch */
  write(
    out: ByteWriter,
    name: string,
    entries: Iterable<ToldEntry>,
    put: (to: Plain, key: string, value: unknown) => void,
  ): void {
    const collection = this.#of(name);
    const rest: Plain = {};
    const rows = new NamedRows();
    for (const entry of entries) {
      const left = collection ? this.#take(collection, rows, entry) : entry.value;
      if (left !== undefined) put(rest, entry.key, left);
    }
    if (Object.keys(rest).length > 0) {
      out.byte(BLOCK.json);
      out.text(JSON.stringify({ [name]: rest }));
    }
    if (collection) rows.write(out, collection);
  }

  /** The table of a collection, if a connection does not have it yet. */
  tell(out: ByteWriter, name: string, conn: object): void {
    const at = this.#at(name);
    const told = this.#told.get(conn) ?? new Set();
    if (at < 0 || told.has(at)) return;
    this.#told.set(conn, told.add(at));
    out.byte(BLOCK.table);
    out.varint(this.#first + at);
    out.text(JSON.stringify(this.#specs[at]));
  }

  /** The slots of entries that a connection is sent in another way. */
  tellSlots(out: ByteWriter, name: string, keys: Iterable<string>): void {
    const collection = this.#of(name);
    if (!collection) return;
    const known = new Map<string, number>();
    for (const key of keys) {
      const slot = collection.slots.of(key);
      if (slot !== undefined) known.set(key, slot);
    }
    tellSlots(out, collection, known);
  }

  /** @returns what no field of the table holds */
  #take({ parts, slots }: Collection, rows: NamedRows, entry: ToldEntry): unknown {
    const { key, form, value } = entry;
    const slot = slots.of(key);
    if (form === "gone") {
      // For whom it is gone in the window in which it got its slot does not know that.
      if (slot === undefined || slots.isFresh(slot)) return DELETE;
      rows.removed.push(slot);
      return undefined;
    }
    const { row, left } = this.#fill(parts, entry);
    const isTold = slot !== undefined && (form !== "change" || slots.isFresh(slot));
    if (row.mask === 0 && !isTold) return value;
    if (slot === undefined) rows.named.add(row, key);
    else if (isTold) rows.told.add(row, key, slot);
    else rows.known.add(row, key, slot);
    return left;
  }

  #fill(parts: Collection["parts"], entry: ToldEntry): Filled {
    let filled = this.#filled.get(entry);
    if (filled) return filled;
    const row = new Row();
    const { value } = entry;
    const isEmpty = !isPlain(value) || Object.keys(value).length === 0;
    filled = { row, left: isEmpty ? value : fill(row, parts, value, NO_TAKERS) };
    this.#filled.set(entry, filled);
    return filled;
  }

  #at(name: string): number {
    return this.#specs.findIndex(([names]) => names[0] === name);
  }

  #of(name: string): Collection | undefined {
    return this.#collections[this.#at(name)];
  }
}
