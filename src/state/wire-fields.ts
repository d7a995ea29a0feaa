import type { TableField } from "../protocol/binary/tables.ts";
import type { EntryShape } from "./entry-shape.ts";

/** The fields of entries of all kinds, without duplicates. */
export function wireFieldsOf(shapes: readonly EntryShape[]): readonly TableField[] {
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
