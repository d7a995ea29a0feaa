import { isPlain } from "../../protocol/values.ts";
import type { Quarantine } from "./quarantine.ts";
import { SESSION_PREFIX, PRIVATE_PREFIX, KNOWN_PREFIX } from "./keys.ts";
import type { OwnRows, StoredRow } from "../timing/room-part.ts";

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
const kept = (parts: Readonly<Record<string, Check>>) =>
  object({ until: number, size: maybe(number), value: object(parts) });

/** By kind, what of the runtime's own rows has to be right for a room to work. */
const KINDS: ReadonlyMap<string, Check> = new Map([
  [
    "session",
    object({
      publicId: text,
      clientId: maybe(text),
      sub: maybe(text),
      offlineSince: maybe(number),
      transferId: maybe(text),
      expectedUntil: maybe(number),
      leaving: maybe(object({ to: text, transferId: text })),
      detailsSize: maybe(number),
      input: maybe(number),
      // Of earlier versions.
      answers: maybe(list),
    }),
  ],
  ["schedule", object({ name: text, at: number, failures: number })],
  ["keyed", object({ name: text, key: text, at: number, failures: number })],
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
  ["sync", object({ seq: number, epoch: text, shape: maybe(text), from: maybe(number) })],
  [
    "changes",
    object({ epoch: text, number, since: number, seq: number, ahead: number, last: number, changed: isPlain }),
  ],
  ["known", text],
  ["created", flag],
  ["ending", object({ reason: maybe(text) })],
  ["empty", number],
  ["tick", number],
]);
const UNSOUND = new Error("The row does not have the format of durable-rooms");

/**
 * The runtime's own rows that can be read, by their kind: `$session:abc` is of the kind "session". Those that cannot be
 * read are put into quarantine.
 */
export class RuntimeRows implements OwnRows {
  /** Users whose session cannot be read, by public id: nobody can come back as them. */
  readonly orphans: readonly string[];
  readonly #byKind = new Map<string, StoredRow[]>();

  constructor(rows: readonly StoredRow[], quarantine: Quarantine) {
    const unsound = new Set<StoredRow>();
    for (const row of rows) {
      const [kind, rest] = split(row[0]);
      if (KINDS.get(kind)?.(row[1]) === false) unsound.add(row);
      else this.#add(kind, [rest, row[1]]);
    }
    if (unsound.size > 0) this.#dropIncomplete(rows, unsound);
    for (const [key, value] of unsound) quarantine.take(key, value, UNSOUND);
    this.orphans = [...unsound].flatMap(orphanOf);
  }

  of(kind: string): readonly StoredRow[] {
    return this.#byKind.get(kind) ?? [];
  }

  #add(kind: string, row: StoredRow): void {
    const rows = this.#byKind.get(kind);
    if (rows) rows.push(row);
    else this.#byKind.set(kind, [row]);
  }

  /** What clients know is one text in pieces. */
  #dropIncomplete(rows: readonly StoredRow[], unsound: Set<StoredRow>): void {
    const pieces = rows.filter(([key]) => key.startsWith(KNOWN_PREFIX));
    if (!pieces.some((row) => unsound.has(row))) return;
    for (const row of pieces) unsound.add(row);
    this.#byKind.delete("known");
  }
}

/** @returns the kind of a row, and what follows it in the key */
function split(key: string): [kind: string, rest: string] {
  const end = key.indexOf(":");
  if (end < 0) return [key.slice(PRIVATE_PREFIX.length), ""];
  return [key.slice(PRIVATE_PREFIX.length, end), key.slice(end + 1)];
}

function orphanOf([key, value]: StoredRow): string[] {
  const isOfUser = key.startsWith(SESSION_PREFIX) && isPlain(value) && typeof value["publicId"] === "string";
  return isOfUser ? [value["publicId"] as string] : [];
}
