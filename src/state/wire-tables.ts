import { MAX_FIELDS, MAX_NAMES, specOf } from "../protocol/binary/tables.ts";
import type { Table, TableField, TableSpec } from "../protocol/binary/tables.ts";
import type { WriterOfEntries } from "../protocol/binary/patch-encoder.ts";
import type { IndexedTable } from "../protocol/binary/seen-encoder.ts";
import { Group, partsOf } from "./group.ts";
import { Leaf } from "./leaf.ts";

/** The tables of the binary protocol, for the fields of the state. */
export interface WireTables {
  /** The fields that every client may see. */
  readonly shared: readonly Table[];
  /** Collections with keyed visibility. */
  readonly seen: readonly IndexedTable[];
  /** Writes the entries of collections. Undefined if there are none. */
  readonly Writer: WriterOfEntries | undefined;
}

/** The tables of collections with keyed visibility as they are sent, each with its index, by name. */
export type SeenTables = ReadonlyMap<string, readonly [index: number, table: TableSpec]>;

export function seenTablesOf(root: Group): SeenTables {
  const { seen } = wireTablesOf(root);
  return new Map(seen.map(([index, table]) => [table.names[0] as string, [index, specOf(table)]] as const));
}

export function wireTablesOf(root: Group): WireTables {
  const fields: TableField[] = [];
  const shared: Table[] = [];
  const seen: Table[] = [];
  let Writer: WriterOfEntries | undefined;
  const walk = (group: Group) => {
    for (const child of group.children.values()) {
      if (child instanceof Group) walk(child);
      else if (child instanceof Leaf) {
        if (child.isForAll) fields.push({ names: [...group.names(), child.key], codec: child.field.codec?.wire });
      } else if (!child.audience) {
        const parts = partsOf(child.field);
        ({ Writer } = parts);
        const inEntry = parts.wireFieldsOf(parts.examplesOf(child.field.factory));
        (child.interest ? seen : shared).push(tableOf(child.names(), true, inEntry));
      }
    }
  };
  walk(root);
  const forAll = [tableOf([], false, fields), ...shared];
  return { Writer, shared: forAll, seen: seen.map((table, at) => [forAll.length + at, table]) };
}

function tableOf(names: readonly string[], isKeyed: boolean, fields: readonly TableField[]): Table {
  const usable = fields.filter((field) => field.names.length <= MAX_NAMES).slice(0, MAX_FIELDS);
  return { names, isKeyed, fields: usable };
}
