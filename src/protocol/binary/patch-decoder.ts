import { DELETE } from "../packets.ts";
import { isHostileKey, isPlain, MAX_STATE_DEPTH, valueAt } from "../values.ts";
import type { Plain } from "../values.ts";
import { expect } from "./bytes.ts";
import type { ByteReader } from "./bytes.ts";
import { BLOCK } from "./blocks.ts";
import { readColumn, readValues } from "./columns.ts";
import { hasField } from "./row-blocks.ts";
import { readRows } from "./rows.ts";
import type { RowName } from "./rows.ts";
import { readTables } from "./tables.ts";
import type { Table, TableSpec } from "./tables.ts";

/** Reads patches. It knows the tables of the state, and the entries of slots. */
export class PatchDecoder {
  readonly #first: readonly KnownTable[];
  /** By index. */
  #tables = new Map<number, KnownTable>();

  /** @param tables those that a connection begins with */
  constructor(tables: readonly Table[]) {
    this.#first = tables.map((table) => ({ table, keys: new Map() }));
  }

  /** A connection begins: later tables do not apply any more. */
  begin(): void {
    this.#tables = new Map(this.#first.entries());
  }

  /** Slots of another run of the room have no meaning. */
  forget(): void {
    for (const { keys } of this.#tables.values()) keys.clear();
  }

  /**
   * Reads the rest of a frame.
   * @param state the state that the patch applies to
   * @param head gets the paths that are deleted before the patch is applied
   * @returns the patch in the form of JSON
   * @throws MalformedFrame if it is malformed
   */
  read(from: ByteReader, state: Readonly<Plain>, head: { clear?: Plain } = {}): Plain {
    const patch: Plain = {};
    while (from.left > 0) {
      const block = from.byte();
      if (block === BLOCK.json) mergeInto(patch, objectIn(from.json()));
      else if (block === BLOCK.clear) mergeInto((head.clear ??= {}), objectIn(from.json()));
      else if (block === BLOCK.rows) this.#readRows(from, patch, state);
      else if (block === BLOCK.table) this.#readTable(from);
      else if (block === BLOCK.pieces) this.#readPieces(from, patch);
      else {
        expect(block === BLOCK.removals, "unknown block");
        this.#readRemovals(from, patch);
      }
    }
    return patch;
  }

  #readRows(from: ByteReader, patch: Plain, state: Readonly<Plain>): void {
    const { table, keys } = knownTable(from, this.#tables);
    const paths = Array.from(readRows(from), (row) => pathOf(table, keys, row));
    const around = objectAt(patch, table.names);
    const stateAround = valueAt(state, table.names);
    const targets = paths.map((path) => objectAt(around, path));
    const mask = maskOf(from, table);
    for (const [index, { names, codec }] of table.fields.entries()) {
      if (!hasField(mask, index)) continue;
      const before = (row: number) => valueAt(stateAround, [...(paths[row] as readonly string[]), ...names]);
      for (const [row, value] of readColumn(from, paths.length, codec, before).entries()) {
        const target = objectAt(targets[row] as Plain, names.slice(0, -1));
        target[names.at(-1) as string] = value;
      }
    }
  }

  #readRemovals(from: ByteReader, patch: Plain): void {
    const { table, keys } = knownTable(from, this.#tables);
    const around = objectAt(patch, table.names);
    for (const row of readRows(from)) {
      const [key] = pathOf(table, keys, row);
      expect(key !== undefined, "unknown entry");
      around[key] = DELETE;
      if (row.slot !== undefined) keys.delete(row.slot);
    }
  }

  /** Reads consecutive rows with the same fields and types. */
  #readPieces(from: ByteReader, patch: Plain): void {
    const { table, keys } = knownTable(from, this.#tables);
    const around = objectAt(patch, table.names);
    const mask = maskOf(from, table);
    const fields = table.fields.filter((_, index) => hasField(mask, index));
    const types = from.bytes(fields.length);
    for (let left = from.varint(); left > 0; left--) {
      const row = objectAt(around, pathOf(table, keys, { slot: from.varint() }));
      for (const [index, { names, codec }] of fields.entries()) {
        const [value] = readValues(from, types[index] as number, 1, codec, () => undefined);
        objectAt(row, names.slice(0, -1))[names.at(-1) as string] = value;
      }
    }
  }

  #readTable(from: ByteReader): void {
    const index = from.varint();
    const [table] = readTables([from.json() as TableSpec]);
    this.#tables.set(index, { table: table as Table, keys: new Map() });
  }
}

/** A table, and the keys of its slots. */
export interface KnownTable {
  readonly table: Table;
  readonly keys: Map<number, string>;
}

/** Reads the index of a table. @throws MalformedFrame if the table is unknown */
export function knownTable(from: ByteReader, tables: ReadonlyMap<number, KnownTable>): KnownTable {
  const known = tables.get(from.varint());
  expect(known, "unknown table");
  return known;
}

/** Reads which fields the rows have. @throws MalformedFrame if a field is unknown */
export function maskOf(from: ByteReader, { fields }: Table): number {
  const mask = from.varint();
  expect(mask < 2 ** fields.length, "unknown field");
  return mask;
}

/** The path of a row in its table. Remembers the slot that the row names. */
function pathOf({ isKeyed }: Table, keys: Map<number, string>, row: RowName): readonly string[] {
  const key = row.key ?? keys.get(row.slot ?? NaN);
  const isNamed = key !== undefined || row.slot !== undefined;
  expect(isNamed === isKeyed, "unknown entry");
  if (!isNamed) return [];
  expect(key !== undefined && !isHostileKey(key), "unknown entry");
  if (row.slot !== undefined) keys.set(row.slot, key);
  return [key];
}

function objectAt(node: Plain, names: readonly string[]): Plain {
  return names.reduce((at, name) => {
    expect(!isHostileKey(name), "hostile name");
    const inner = Object.hasOwn(at, name) ? at[name] : undefined;
    return isPlain(inner) ? inner : (at[name] = {});
  }, node);
}

/** @throws MalformedFrame if it is not an object */
export function objectIn(value: unknown): Plain {
  expect(isPlain(value), "no object");
  return value;
}

function mergeInto(target: Plain, source: Plain, depth = 0): void {
  expect(depth <= MAX_STATE_DEPTH, "too deep");
  for (const [name, value] of Object.entries(source)) {
    if (isHostileKey(name)) continue;
    const inner = Object.hasOwn(target, name) ? target[name] : undefined;
    if (isPlain(inner) && isPlain(value)) mergeInto(inner, value, depth + 1);
    else target[name] = value;
  }
}
