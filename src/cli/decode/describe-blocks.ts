import { BLOCK } from "../../protocol/binary/blocks.ts";
import type { ByteReader } from "../../protocol/binary/bytes.ts";
import { readColumn, readValues } from "../../protocol/binary/columns.ts";
import { knownTable, maskOf } from "../../protocol/binary/patch-decoder.ts";
import type { KnownTable } from "../../protocol/binary/patch-decoder.ts";
import { hasField } from "../../protocol/binary/row-blocks.ts";
import { readRows } from "../../protocol/binary/rows.ts";
import type { RowName } from "../../protocol/binary/rows.ts";
import { readTables } from "../../protocol/binary/tables.ts";
import type { TableSpec } from "../../protocol/binary/tables.ts";
import { valueAt } from "../../protocol/values.ts";
import type { Plain } from "../../protocol/values.ts";

/** The kinds of columns in docs/protocol.md, P13.8. */
const KINDS = [
  "JSON",
  "uint8",
  "uint16",
  "uint32",
  "int8",
  "int16",
  "int32",
  "float32",
  "float64",
  "booleans",
  "texts",
  "ids",
  "differences",
];
const CODED = 64;

/** What earlier frames of a connection have contained. */
export interface Known {
  /** By index. */
  readonly tables: Map<number, KnownTable>;
  readonly state: Readonly<Plain>;
}

/**
 * Describes each block of a frame, with its size in bytes.
 * @param bytes the whole frame @param from the position of the blocks
 * @throws MalformedFrame where it cannot be read further
 */
export function* describeBlocks(bytes: Uint8Array, from: ByteReader, known: Known): Generator<string> {
  while (from.left > 0) {
    const start = from.at;
    const kind = from.byte();
    const [title, ...rest] = describe(bytes, from, kind, known);
    yield `${title} (${count(from.at - start, "byte")})`;
    for (const line of rest) yield `  ${line}`;
  }
}

/** @returns a title, and lines */
function describe(bytes: Uint8Array, from: ByteReader, kind: number, known: Known): readonly string[] {
  if (kind === BLOCK.json) return ["JSON", JSON.stringify(from.json())];
  if (kind === BLOCK.clear) return ["to be deleted first", JSON.stringify(from.json())];
  if (kind === BLOCK.table) return describeTold(from, known);
  if (kind === BLOCK.pieces) return [...describePieces(from, known)];
  return [...describeTable(bytes, from, kind, known)];
}

function describeTold(from: ByteReader, { tables }: Known): readonly string[] {
  const index = from.varint();
  const spec = from.json() as TableSpec;
  for (const table of readTables([spec])) tables.set(index, { table, keys: new Map() });
  return [`table ${index}`, JSON.stringify(spec)];
}

/** @returns a title, and a line for each row */
function* describePieces(from: ByteReader, known: Known): Generator<string> {
  const { table, keys } = knownTable(from, known.tables);
  const mask = maskOf(from, table);
  const fields = table.fields.filter((_, field) => hasField(mask, field));
  const kinds = from.bytes(fields.length);
  const rows = from.varint();
  yield `${table.names.join(".")}: ${count(rows, "row")} of ${fields.map(({ names }, at) => `${names.join(".")} (${kindOf(kinds[at])})`).join(", ")}`;
  for (let left = rows; left > 0; left--) {
    const name = nameOf({ slot: from.varint() }, keys);
    const values = fields.flatMap(({ codec }, at) => readValues(from, kinds[at] as number, 1, codec, () => undefined));
    yield `${name} ${values.map((value) => JSON.stringify(value)).join(", ")}`;
  }
}

/** @returns a title, and a line for the names of the rows and for each column */
function* describeTable(bytes: Uint8Array, from: ByteReader, block: number, known: Known): Generator<string> {
  const { table, keys } = knownTable(from, known.tables);
  const rows = [...readRows(from)];
  for (const { key, slot } of rows) if (key !== undefined && slot !== undefined) keys.set(slot, key);
  const name = table.names.join(".") || "state";
  const named = rows.map((row) => nameOf(row, keys)).join(", ");
  if (block === BLOCK.removals) {
    yield `${name}: ${count(rows.length, "removal")}`;
    yield named;
    for (const { slot } of rows) if (slot !== undefined) keys.delete(slot);
    return;
  }
  yield `${name}: ${count(rows.length, "row")}`;
  if (table.isKeyed) yield named;
  const mask = maskOf(from, table);
  const around = valueAt(known.state, table.names);
  for (const [field, { names, codec }] of table.fields.entries()) {
    if (!hasField(mask, field)) continue;
    const start = from.at;
    const before = (row: number) => valueAt(around, [...pathOf(rows[row], keys), ...names]);
    const values = readColumn(from, rows.length, codec, before).map((value) => JSON.stringify(value));
    yield `${names.join(".")} ${values.join(", ")} (${kindOf(bytes[start])}, ${count(from.at - start, "byte")})`;
  }
}

function nameOf({ key, slot }: RowName, keys: ReadonlyMap<number, string>): string {
  if (slot === undefined) return key ?? "";
  return `${key ?? keys.get(slot) ?? "?"} #${slot}`;
}

function pathOf(row: RowName | undefined, keys: ReadonlyMap<number, string>): readonly string[] {
  const key = row?.key ?? keys.get(row?.slot ?? -1);
  return key === undefined ? [] : [key];
}

function kindOf(kind = 0): string {
  return kind < CODED ? `${KINDS[kind]}` : `${KINDS[kind - CODED]} of its codec`;
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
