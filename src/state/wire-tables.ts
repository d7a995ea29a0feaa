import type { FieldSpec, TableSpec } from "../protocol/binary/tables.ts";
import type { EntryShape } from "./entry-shape.ts";
import type { Field } from "./field.ts";
import { Group } from "./group.ts";
import { Leaf } from "./leaf.ts";
import { examplesOf } from "./state-shape.ts";

/** The tables of the binary protocol: fields by where they are in the state. */
export interface WireTables {
  /** What every client may see. */
  readonly shared: readonly TableSpec[];
  /** Collections whose entries are seen by keys. */
  readonly seen: readonly TableSpec[];
}

export function wireTablesOf(root: Group): WireTables {
  const fields: FieldSpec[] = [];
  const shared: TableSpec[] = [];
  const seen: TableSpec[] = [];
  const walk = (group: Group) => {
    for (const child of group.children.values()) {
      if (child instanceof Group) walk(child);
      else if (child instanceof Leaf) {
        if (child.isForAll) fields.push(specOf([...group.names(), child.key], child.field));
      } else if (!child.audience) {
        const inEntry = fieldsOf(examplesOf(child.field.factory)).values();
        (child.interest ? seen : shared).push([child.names(), 1, [...inEntry]]);
      }
    }
  };
  walk(root);
  return { shared: [[[], 0, fields], ...shared], seen };
}

/** The fields of entries of all kinds, each once. */
function fieldsOf(shapes: readonly EntryShape[]): ReadonlyMap<string, FieldSpec> {
  const fields = new Map<string, FieldSpec>();
  for (const shape of shapes) addFields(fields, [], shape);
  return fields;
}

function addFields(fields: Map<string, FieldSpec>, around: readonly string[], shape: EntryShape): void {
  for (const [name, part] of shape) {
    const names = [...around, name];
    if (!("field" in part)) addFields(fields, names, part);
    else if (part.field.synced && part.field.visibleTo === "all" && !part.field.factory) {
      const path = names.join(".");
      const spec = specOf(names, part.field);
      const known = fields.get(path);
      // Kinds may have the same field with other codecs: values are exact without.
      fields.set(path, !known || JSON.stringify(known) === JSON.stringify(spec) ? spec : [names]);
    }
  }
}

function specOf(names: readonly string[], { codec }: Field): FieldSpec {
  return codec?.spec ? [names, codec.spec] : [names];
}
