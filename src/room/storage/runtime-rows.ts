import { isPlain } from "../../state/diff.ts";
import type { Quarantine } from "./quarantine.ts";
import { SESSION_PREFIX, PRIVATE_PREFIX, KNOWN_PREFIX } from "./keys.ts";
import type { StoredRow } from "./state-rows.ts";

/** Whether a value is what a part of a row has to be. */
type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
const number: Check = (value) => typeof value === "number";
const flag: Check = (value) => typeof value === "boolean";
const list: Check = Array.isArray;
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
// A room that wakes may have thousands of rows: the parts are taken apart once.
const object = (parts: Readonly<Record<string, Check>>): Check => {
  const checks = Object.entries(parts);
  return (value) => {
    if (!isPlain(value)) return false;
    for (const [name, check] of checks) if (!check(value[name])) return false;
    return true;
  };
};
const kept = (parts: Readonly<Record<string, Check>>) => object({ until: number, value: object(parts) });

/** By kind, what of the runtime's own rows has to be right for a room to work. */
const KINDS: ReadonlyMap<string, Check> = new Map([
  [
    "session",
    object({
      publicId: text,
      sub: maybe(text),
      offlineSince: maybe(number),
      transferId: maybe(text),
      expectedUntil: maybe(number),
      leaving: maybe(object({ to: text, transferId: text })),
      answers: maybe(list),
    }),
  ],
  ["schedule", object({ name: text, at: number, failures: number })],
  ["token", kept({ sessionId: text })],
  ["moved", kept({ arrived: flag })],
  ["departed", kept({ to: text, transferId: text })],
  ["link", object({ run: text, last: number, mail: list, mailed: number, clients: number })],
  [
    "listing",
    object({
      wanted: maybe(object({ worldId: text, metadata: text, locked: flag })),
      told: maybe(object({ worldId: text, users: maybe(number) })),
    }),
  ],
  ["counts", object({ since: number, counts: isPlain })],
  ["sync", object({ seq: number, epoch: text })],
  ["known", text],
]);
const UNSOUND = new Error("It is not what durable-rooms stores there");

/** The runtime's own rows. */
export interface OwnRows {
  /** Those that can be read. */
  readonly own: readonly StoredRow[];
  /** Users whose session cannot be read, by public id: nobody can come back as them. */
  readonly orphans: readonly string[];
}

/** The runtime's own rows that can be read; the others are put aside. */
export function soundRows(rows: readonly StoredRow[], quarantine: Quarantine): OwnRows {
  const unsound = new Set(rows.filter((row) => !isSound(row)));
  if (unsound.size === 0) return { own: rows, orphans: [] };
  // It is one text in pieces.
  const known = rows.filter(([key]) => key.startsWith(KNOWN_PREFIX));
  if (known.some((row) => unsound.has(row))) for (const row of known) unsound.add(row);
  for (const [key, value] of unsound) quarantine.take(key, value, UNSOUND);
  return { own: rows.filter((row) => !unsound.has(row)), orphans: [...unsound].flatMap(orphanOf) };
}

function orphanOf([key, value]: StoredRow): string[] {
  const isOfUser = key.startsWith(SESSION_PREFIX) && isPlain(value) && typeof value["publicId"] === "string";
  return isOfUser ? [value["publicId"] as string] : [];
}

function isSound([key, value]: StoredRow): boolean {
  const end = key.indexOf(":");
  const check = KINDS.get(key.slice(PRIVATE_PREFIX.length, end < 0 ? undefined : end));
  return !check || check(value);
}
