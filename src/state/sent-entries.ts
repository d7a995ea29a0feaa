import type { Plain } from "../protocol/values.ts";
import type { Sees } from "./audience.ts";
import type { EntryNode, RemovedEntry } from "./node.ts";

/** The values that clients have for entries that were replaced or removed since. */
export type EntriesBefore = Map<string, EntryNode | RemovedEntry | undefined>;

/** What clients have under each key. @param entries the visible entries */
export function sentEntries(entries: Iterable<[string, EntryNode]>, before: EntriesBefore): EntriesBefore {
  return new Map<string, EntryNode | RemovedEntry | undefined>([...entries, ...before]);
}

/** The same, as plain data. */
export function sentValuesOf(entries: Iterable<[string, EntryNode]>, before: EntriesBefore): Plain {
  const sent: Plain = {};
  for (const [key, entry] of sentEntries(entries, before)) if (entry) sent[key] = entry.sentValues();
  return sent;
}

/**
 * Sets what was sent of some entries.
 * @param before receives what was sent under keys that have no entry or a new one
 */
export function assumeEntriesSent(entries: ReadonlyMap<string, EntryNode>, sent: Plain, before: EntriesBefore): void {
  for (const [key, entry] of entries) {
    const value = Object.hasOwn(sent, key) ? sent[key] : undefined;
    if (value === undefined) before.set(key, undefined);
    entry.assumeSent((value ?? {}) as Plain);
  }
  for (const [key, value] of Object.entries(sent)) {
    if (!entries.has(key)) before.set(key, { sentValues: () => value as Plain });
  }
}

/**
 * The values of all entries that were sent to a viewer, as JSON.
 * @param texts the texts of unread entries @param entries all others @param isKeyed whether the collection has keyed
 * visibility. The entries inside of its entries are visible together with those
 */
export function textOfEntries(
  texts: string[],
  entries: Iterable<[string, EntryNode]>,
  sees: Sees,
  isKeyed: boolean,
): string {
  for (const [key, entry] of entries) {
    const audience = entry.placement.audience ?? (isKeyed ? entry.placement.seenBy : undefined);
    if (audience && !sees(audience)) continue;
    const text = entry.textFor(sees);
    if (!audience || text !== "{}") texts.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${texts.join(",")}}`;
}
