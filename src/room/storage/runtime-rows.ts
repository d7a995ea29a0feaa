import { isPlain } from "../../protocol/values.ts";
import type { Quarantine } from "./quarantine.ts";
import { SESSION_PREFIX, PRIVATE_PREFIX, KNOWN_PREFIX } from "./keys.ts";
import type { OwnRows, StoredRow } from "../timing/room-part.ts";

/** Checks a row, or a part of it. */
type Check = (value: unknown) => boolean;
/** The checks of rows, by kind. They cover the parts without which a room could not work. */
export type RowChecks = Readonly<Record<string, Check>>;

export const isText: Check = (value) => typeof value === "string";
export const isNumber: Check = (value) => typeof value === "number";
export const isFlag: Check = (value) => typeof value === "boolean";
export const isList: Check = Array.isArray;
export const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
// A room that wakes may have thousands of rows, so the parts are split once.
export const hasParts = (parts: RowChecks): Check => {
  const checks = Object.entries(parts);
  return (value) => {
    if (!isPlain(value)) return false;
    for (const [name, check] of checks) if (!check(value[name])) return false;
    return true;
  };
};

/** The kinds that every room may have. */
const KINDS: RowChecks = {
  session: hasParts({
    publicId: isText,
    clientId: maybe(isText),
    sub: maybe(isText),
    offlineSince: maybe(isNumber),
    transferId: maybe(isText),
    expectedUntil: maybe(isNumber),
    leaving: maybe(hasParts({ to: isText, transferId: isText })),
    detailsSize: maybe(isNumber),
    input: maybe(isNumber),
    // From earlier versions.
    answers: maybe(isList),
  }),
  schedule: hasParts({ name: isText, at: isNumber, failures: isNumber }),
  keyed: hasParts({ name: isText, key: isText, at: isNumber, failures: isNumber }),
  counts: hasParts({ since: isNumber, counts: isPlain }),
  sync: hasParts({ seq: isNumber, epoch: isText, shape: maybe(isText), from: maybe(isNumber) }),
  changes: hasParts({
    epoch: isText,
    number: isNumber,
    since: isNumber,
    seq: isNumber,
    ahead: isNumber,
    last: isNumber,
    changed: isPlain,
  }),
  known: isText,
  created: isFlag,
  ending: hasParts({ reason: maybe(isText) }),
  empty: isNumber,
  tick: isNumber,
};
const UNSOUND = new Error("The row does not have the format of durable-rooms");

/**
 * The readable rows of the runtime, by kind: `$session:abc` is of the kind "session". Unreadable rows are quarantined.
 */
export class RuntimeRows implements OwnRows {
  /** Users with an unreadable session, by public id. No client can reconnect as them. */
  readonly orphans: readonly string[];
  readonly #byKind = new Map<string, StoredRow[]>();

  /** @param further the checks of kinds that only some rooms have. Elsewhere such rows are kept as they are */
  constructor(rows: readonly StoredRow[], quarantine: Quarantine, further: RowChecks) {
    const checks = new Map(Object.entries({ ...KINDS, ...further }));
    const unsound = new Set<StoredRow>();
    for (const row of rows) {
      const [kind, rest] = split(row[0]);
      if (checks.get(kind)?.(row[1]) === false) unsound.add(row);
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

  /** The state that clients know is one text in pieces. */
  #dropIncomplete(rows: readonly StoredRow[], unsound: Set<StoredRow>): void {
    const pieces = rows.filter(([key]) => key.startsWith(KNOWN_PREFIX));
    if (!pieces.some((row) => unsound.has(row))) return;
    for (const row of pieces) unsound.add(row);
    this.#byKind.delete("known");
  }
}

/** @returns the kind of a row, and the rest of the key */
function split(key: string): [kind: string, rest: string] {
  const end = key.indexOf(":");
  if (end < 0) return [key.slice(PRIVATE_PREFIX.length), ""];
  return [key.slice(PRIVATE_PREFIX.length, end), key.slice(end + 1)];
}

function orphanOf([key, value]: StoredRow): string[] {
  const isOfUser = key.startsWith(SESSION_PREFIX) && isPlain(value) && typeof value["publicId"] === "string";
  return isOfUser ? [value["publicId"] as string] : [];
}
