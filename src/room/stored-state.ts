import type { Snapshot } from "../define/types.ts";
import { isHostileKey } from "../protocol/decode.ts";
import { isPlain } from "../state/diff.ts";
import { decodeKey, ROOT_KEY, VOLATILE_PREFIX } from "../state/rows.ts";

/** Keys under this prefix are the runtime's own, or the developer's; the rest is the state. */
export const PRIVATE_PREFIX = "$";

/** What storage holds of a room's state. */
export interface StoredState {
  /** Values by field name, entries by key. Undefined if the room was never stored. */
  readonly snapshot: Snapshot | undefined;
  readonly volatileKeys: readonly string[];
}

type StoredRow = [key: string, value: unknown];

/** Tells the rows of the state from the runtime's own. */
export function partition(rows: Iterable<StoredRow>): { readonly own: StoredRow[]; readonly fields: StoredRow[] } {
  const own: StoredRow[] = [];
  const fields: StoredRow[] = [];
  for (const row of rows) (row[0].startsWith(PRIVATE_PREFIX) ? own : fields).push(row);
  return { own, fields };
}

/**
 * Puts the rows of a state together.
 *
 * @param isAwake whether sockets are open: if so, the values that only hibernation brings back are taken too
 */
export function assemble(rows: Iterable<StoredRow>, isAwake: boolean): StoredState {
  const snapshot: Snapshot = {};
  const volatileKeys: string[] = [];
  let isEmpty = true;
  for (const [key, value] of rows) {
    isEmpty = false;
    const isVolatile = key.startsWith(VOLATILE_PREFIX);
    if (isVolatile) volatileKeys.push(key);
    if (!isVolatile) place(snapshot, key, value);
    else if (isAwake) place(snapshot, key.slice(VOLATILE_PREFIX.length), value);
  }
  return { snapshot: isEmpty ? undefined : snapshot, volatileKeys };
}

/** A room may have thousands of rows, and clients wait: this makes nothing that is not part of the snapshot. */
function place(snapshot: Snapshot, key: string, value: unknown): void {
  if (key === ROOT_KEY) {
    if (isPlain(value)) mergeInto(snapshot, value);
    return;
  }
  const names = decodeKey(key);
  if (names.some(isHostileKey)) return;
  let node = snapshot;
  const last = names.pop() as string;
  for (const name of names) {
    const known = node[name];
    node = isPlain(known) ? known : (node[name] = {});
  }
  const known = node[last];
  if (isPlain(known) && isPlain(value)) mergeInto(known, value);
  else node[last] = value;
}

/** The rows of one thing never hold the same value twice, so merging them loses nothing. */
function mergeInto(target: Snapshot, source: Snapshot): void {
  for (const [key, value] of Object.entries(source)) {
    const known = target[key];
    if (isPlain(known) && isPlain(value)) mergeInto(known, value);
    else target[key] = value;
  }
}
