import { MAX_FIELDS, MAX_NAMES, specOf } from "../protocol/binary/tables.ts";
import type { Table, TableField, TableSpec } from "../protocol/binary/tables.ts";
import type { IndexedTable } from "../protocol/binary/seen-encoder.ts";
import type { EntryShape } from "./entry-shape.ts";
import { Group } from "./group.ts";
import { Leaf } from "./leaf.ts";
import { examplesOf } from "./state-shape.ts";

/** The tables of the binary protocol, for the fields of the state. */
export interface WireTables {
  /** The fields that every client may see. */
  readonly shared: readonly Table[];
  /** Collections with keyed visibility. */
  readonly seen: readonly IndexedTable[];
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
  const walk = (group: Group) => {
    for (const child of group.children.values()) {
      if (child instanceof Group) walk(child);
      else if (child instanceof Leaf) {
        if (child.isForAll) fields.push({ names: [...group.names(), child.key], codec: child.field.codec?.wire });
      } else if (!child.audience) {
        const inEntry = fieldsOf(examplesOf(child.field.factory));
        (child.interest ? seen : shared).push(tableOf(child.names(), true, inEntry));
      }
    }
  };
  walk(root);
  const forAll = [tableOf([], false, fields), ...shared];
  return { shared: forAll, seen: seen.map((table, at) => [forAll.length + at, table]) };
}

function tableOf(names: readonly string[], isKeyed: boolean, fields: readonly TableField[]): Table {
  const usable = fields.filter((field) => field.names.length <= MAX_NAMES).slice(0, MAX_FIELDS);
  return { names, isKeyed, fields: usable };
}

/** The fields of entries of all kinds, without duplicates. */
function fieldsOf(shapes: readonly EntryShape[]): readonly TableField[] {
  const fields = new Map<string, TableField>();
  for (const shape of shapes) addFields(fields, [], shape);
  return [...fields.values()];
}

function addFields(fields: Map<string, TableField>, around: readonly string[], shape: EntryShape): void {
  for (const [name, part] of shape) {
    const names = [...around, name];
    if (!("field" in part)) addFields(fields, names, part);
    else if (part.field.synced && part.field.visibleTo === "all" && !part.field.factory) {
      const path = names.join(".");
      const codec = part.field.codec?.wire;
      const known = fields.get(path);
      const isSame = !known || JSON.stringify(known.codec?.spec) === JSON.stringify(codec?.spec);
      // Kinds may have the same field with different codecs. Without a codec, values are exact.
      fields.set(path, { names, codec: isSame ? codec : undefined });
    }
  }
}
