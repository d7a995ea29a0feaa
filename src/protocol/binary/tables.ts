import { isHostileKey, isPlain, MAX_STATE_DEPTH } from "../values.ts";
import { MalformedFrame } from "./bytes.ts";
import { codecOf } from "./codecs.ts";
import type { Codec } from "./codecs.ts";

/** Where a field is in its row, and how its numbers are written. */
export interface TableField {
  readonly names: readonly string[];
  readonly codec: Codec | undefined;
}

/** The fields of the state that are in no entry, which are one row; or a collection, with a row for each entry. */
export interface Table {
  /** The names that lead to it. */
  readonly names: readonly string[];
  readonly isKeyed: boolean;
  readonly fields: readonly TableField[];
}

/** How a table is told: the names that lead to it, 1 for a collection, and the names of each field with its codec. */
export type TableSpec = readonly [names: readonly string[], isKeyed: 0 | 1, fields: readonly FieldSpec[]];
export type FieldSpec = readonly [names: readonly string[], codec?: unknown];

/** The fields of a row are named by the bits of one number: those beyond this many are sent as JSON. */
export const MAX_FIELDS = 30;
/** Fields with more names are sent as JSON too: a bit of a frame must not make a client hold many objects. */
const MAX_NAMES = 4;

/** @throws MalformedFrame if these are no tables */
export function readTables(specs: unknown): readonly Table[] {
  if (!Array.isArray(specs) || !specs.every(isSpec)) throw new MalformedFrame("tables were expected");
  return specs.map(([names, isKeyed, fields]) => ({
    names,
    isKeyed: isKeyed === 1,
    fields: fields
      .filter(([path]) => path.length <= MAX_NAMES)
      .slice(0, MAX_FIELDS)
      .map(([path, codec]) => ({ names: path, codec: codecOf(codec) })),
  }));
}

function isSpec(spec: unknown): spec is TableSpec {
  return Array.isArray(spec) && isNames(spec[0]) && Array.isArray(spec[2]) && spec[2].every(isField);
}

function isField(field: unknown): field is FieldSpec {
  return (
    Array.isArray(field) && isNames(field[0]) && field[0].length > 0 && (field[1] === undefined || isPlain(field[1]))
  );
}

function isNames(names: unknown): names is readonly string[] {
  if (!Array.isArray(names) || names.length > MAX_STATE_DEPTH) return false;
  return names.every((name) => typeof name === "string" && !isHostileKey(name));
}
