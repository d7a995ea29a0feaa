import { isPlain } from "./diff.ts";
import type { EntryNode } from "./node.ts";

/** Marks an entry as unsaved, with all that is inside. */
export function saveEntry(entry: EntryNode): void {
  const { row, persisted } = entry.place;
  row.changed(persisted);
  if (persisted && entry.stored(false)) row.changed(false);
  entry.saveAll();
}

/** What a row holds of an entry: its persisted values, or the others. Undefined if there are none. */
export function readEntry(entry: EntryNode | undefined, persisted: boolean): unknown {
  const values = entry?.stored(persisted);
  // That an entry is there is worth a row, even with nothing in it.
  return entry && persisted === entry.place.persisted ? (values ?? {}) : values;
}

/** Takes over what is stored of an entry. */
export function loadEntry(entry: EntryNode, stored: Record<string, unknown>): void {
  const isIncomplete = entry.load(stored);
  // A field that the stored entry lacks may have been made at random: keep what it is now.
  if (isIncomplete && entry.place.persisted) entry.place.row.changed(true);
}

/** Those of a stored collection that can be entries. */
export function entriesOf(values: Record<string, unknown>): [key: string, stored: Record<string, unknown>][] {
  const entries = Object.entries(values);
  return entries.filter((entry): entry is [string, Record<string, unknown>] => isPlain(entry[1]));
}
