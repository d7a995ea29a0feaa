import { isHostileKey, MAX_STATE_DEPTH } from "../values.ts";
import { BLOCK } from "./blocks.ts";
import { expect } from "./bytes.ts";
import type { ByteWriter } from "./bytes.ts";
import { codecOf } from "./codecs.ts";
import type { Codec } from "./codecs.ts";
import { hasField } from "./row-blocks.ts";

/** The place of a field in its row, and how its numbers are encoded. */
export interface TableField {
  readonly names: readonly string[];
  readonly codec: Codec | undefined;
}

/** The fields of the state that are not in an entry, as one row; or a collection, with a row for each entry. */
export interface Table {
  /** The path to it. */
  readonly names: readonly string[];
  readonly isKeyed: boolean;
  readonly fields: readonly TableField[];
}

/** The description of a table for clients: its path, 1 for a collection, and the path of each field with its codec. */
export type TableSpec = readonly [names: readonly string[], isKeyed: 0 | 1, fields: readonly FieldSpec[]];
export type FieldSpec = readonly [names: readonly string[], codec?: unknown];

/** The maximum number of fields of a row, which are the bits of one number. Further fields are sent as JSON. */
export const MAX_FIELDS = 30;
/**
 * Fields with longer paths are sent as JSON too, so that one bit of a frame cannot make a client create many objects.
 */
export const MAX_NAMES = 4;

/** The description of a table. */
export function specOf({ names, isKeyed, fields }: Table): TableSpec {
  const specs = fields.map(({ names: path, codec }): FieldSpec => (codec ? [path, codec.spec] : [path]));
  return [names, isKeyed ? 1 : 0, specs];
}

/** Writes a table for a client. */
export function writeTable(out: ByteWriter, index: number, table: Table): void {
  out.byte(BLOCK.table);
  out.varint(index);
  out.text(JSON.stringify(specOf(table)));
}

/** The description of a table with some of its fields, which are the bits of a number. */
export function partOf({ names, isKeyed, fields }: Table, known: number): Table {
  const part = fields.slice(0, 32 - Math.clz32(known));
  return { names, isKeyed, fields: part.map((field, index) => (hasField(known, index) ? field : UNTOLD)) };
}
const UNTOLD: TableField = { names: [""], codec: undefined };

/** @throws Error if the tables are malformed */
export function readTables(specs: readonly TableSpec[]): readonly Table[] {
  return specs.map(([names, isKeyed, fields]) => ({
    names: checked(names),
    isKeyed: isKeyed === 1,
    fields: fields
      .filter(([path]) => path.length <= MAX_NAMES)
      .slice(0, MAX_FIELDS)
      .map(([path, codec]) => ({ names: checked(path), codec: codecOf(codec) })),
  }));
}

function checked(names: readonly string[]): readonly string[] {
  const isPath = names.length <= MAX_STATE_DEPTH && names.every((name) => typeof name === "string");
  expect(isPath && !names.some(isHostileKey), "no path");
  return names;
}
