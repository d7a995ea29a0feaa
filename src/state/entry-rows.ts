import { isPlain } from "../protocol/values.ts";
import type { EntryNode, Ghost, PrivateChange } from "./node.ts";

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

/** Goes on from what clients know of the entry that was there before. */
export function goOn(entry: EntryNode, known: EntryNode | Ghost, changes: PrivateChange[]): void {
  if ("adopt" in known) entry.adopt(known, changes);
  else entry.assume(known.known());
}

/**
 * Those of a stored collection that may wait until they are read: they can be entries like this one, and are not made
 * yet. The others are made now, so that what cannot be read of them is known when the room starts.
 */
export function fitting(
  stored: readonly [key: string, value: unknown][],
  sample: EntryNode,
  awake: ReadonlyMap<string, EntryNode>,
): [key: string, stored: Record<string, unknown>][] {
  return stored.filter(
    (entry): entry is [string, Record<string, unknown>] =>
      !awake.has(entry[0]) && isPlain(entry[1]) && sample.fits(entry[1]),
  );
}
