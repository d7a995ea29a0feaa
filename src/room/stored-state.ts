import type { Snapshot } from "../define/types.ts";
import { isHostileKey } from "../protocol/decode.ts";
import { isPlain } from "../state/diff.ts";
import { decodeKey, ROOT_KEY, VOLATILE_PREFIX } from "../state/rows.ts";

/** Keys under this prefix are the runtime's own, or the developer's; the rest is the state. */
export const PRIVATE_PREFIX = "$";
/** How far the numbers of sync packets have come: as volatile as the rows under `~`. */
export const SYNC_KEY = `${PRIVATE_PREFIX}sync`;

/** What storage holds of a room's state. */
export interface StoredState {
  /** Values by field name, entries by key. Undefined if the room was never stored. */
  readonly snapshot: Snapshot | undefined;
  readonly volatileKeys: readonly string[];
}

/**
 * Puts the rows of a state together; other rows are ignored.
 *
 * @param isAwake whether sockets are open: if so, the values that only hibernation brings back are taken too
 */
export function assemble(rows: Iterable<[key: string, value: unknown]>, isAwake: boolean): StoredState {
  const snapshot: Snapshot = {};
  const volatileKeys: string[] = [];
  let isEmpty = true;
  for (const [key, value] of rows) {
    if (key === SYNC_KEY) volatileKeys.push(key);
    if (key.startsWith(PRIVATE_PREFIX)) continue;
    isEmpty = false;
    const isVolatile = key.startsWith(VOLATILE_PREFIX);
    if (isVolatile) volatileKeys.push(key);
    if (!isVolatile) place(snapshot, key, value);
    else if (isAwake) place(snapshot, key.slice(VOLATILE_PREFIX.length), value);
  }
  return { snapshot: isEmpty ? undefined : snapshot, volatileKeys };
}

function place(snapshot: Snapshot, key: string, value: unknown): void {
  const names = key === ROOT_KEY ? [] : decodeKey(key);
  if (names.some(isHostileKey)) return;
  let whole = value;
  for (const name of names.toReversed()) whole = { [name]: whole };
  if (isPlain(whole)) mergeInto(snapshot, whole);
}

/** The rows of one thing never hold the same value twice, so merging them loses nothing. */
function mergeInto(target: Snapshot, source: Snapshot): void {
  for (const [key, value] of Object.entries(source)) {
    const known = target[key];
    if (isPlain(known) && isPlain(value)) mergeInto(known, value);
    else target[key] = value;
  }
}
