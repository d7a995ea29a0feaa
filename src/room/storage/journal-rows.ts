import { isLiteral, jsonLength } from "../../protocol/values.ts";

/**
 * The value of a row as JSON, which is parsed on demand, since a room that wakes may have thousands. Or the value
 * itself, if JSON cannot represent it; or undefined, if the row was deleted.
 */
export type Packed = string | { readonly value: unknown } | undefined;

type Group = Map<string, Packed>;
/** Rows by key, in groups by the beginning of their keys, such as `players.` and `$session:`. */
type Groups = Map<string, Group>;
/** The stored form. The first version had no groups. */
export type Slot = ReadonlyMap<string, Group | Packed>;

/**
 * The maximum size of rows in one slot, in bytes. The runtime stores 2 MiB under a key, and a slot is slightly larger
 * than its rows.
 */
const MOST_IN_SLOT = 2_000_000;
/** Each row counts as this many bytes more, since it takes time too. */
const ROW_COST = 200;
const HEAD = /^[^.:]*[.:]?/;

/**
 * The rows of a journal. They are kept in the groups in which they are stored, so that a room that wakes does not visit
 * all of them: there may be thousands, and it needs a few.
 */
export class JournalRows {
  #groups: Groups = new Map();
  /** Undefined until it is needed, since computing it visits each row. */
  #bytes: number | undefined = 0;

  /** Loads the stored slots. */
  load(slots: readonly Slot[]): void {
    this.#bytes = undefined;
    for (const slot of slots) {
      for (const [name, rows] of slot) {
        if (!(rows instanceof Map)) this.set(name, rows);
        else if (this.#groups.has(name)) for (const [key, packed] of rows) this.set(key, packed);
        else this.#groups.set(name, rows);
      }
    }
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** The maximum size in bytes, including the cost per row. */
  get size(): number {
    return this.#bytesOfAll + this.#count * ROW_COST;
  }

  /** The size of some rows. */
  sizeOf(keys: Iterable<string>): number {
    let size = 0;
    for (const key of keys) if (this.has(key)) size += bytesOfRow(key, this.get(key)) + ROW_COST;
    return size;
  }

  has(key: string): boolean {
    return this.#groups.get(headOf(key))?.has(key) === true;
  }

  get(key: string): Packed {
    return this.#groups.get(headOf(key))?.get(key);
  }

  set(key: string, packed: Packed): void {
    const head = headOf(key);
    let group = this.#groups.get(head);
    if (!group) this.#groups.set(head, (group = new Map()));
    if (this.#bytes !== undefined) {
      if (group.has(key)) this.#bytes -= bytesOfRow(key, group.get(key));
      this.#bytes += bytesOfRow(key, packed);
    }
    group.set(key, packed);
  }

  delete(key: string): void {
    const head = headOf(key);
    const group = this.#groups.get(head);
    if (this.#bytes !== undefined && group?.has(key)) this.#bytes -= bytesOfRow(key, group.get(key));
    group?.delete(key);
    if (group?.size === 0) this.#groups.delete(head);
  }

  clear(): void {
    this.#groups = new Map();
    this.#bytes = 0;
  }

  *keys(): Iterable<string> {
    for (const group of this.#groups.values()) yield* group.keys();
  }

  /** The keys from `start` (inclusive) to `end` (exclusive). Groups without such keys are skipped. */
  *keysIn(start: string, end: string | undefined): Iterable<string> {
    for (const [head, group] of this.#groups) {
      const isBefore = start > head && !start.startsWith(head);
      if (isBefore || (end !== undefined && end <= head)) continue;
      for (const key of group.keys()) if (key >= start && (end === undefined || key < end)) yield key;
    }
  }

  /** The slots to store: one, or more if the platform's limit requires it. */
  slots(): Slot[] {
    if (this.#bytesOfAll <= MOST_IN_SLOT) return [this.#groups];
    const slots: Groups[] = [];
    let left = 0;
    for (const [head, group] of this.#groups) {
      for (const [key, packed] of group) {
        const bytes = bytesOfRow(key, packed);
        if (slots.length === 0 || bytes > left) {
          slots.push(new Map());
          left = MOST_IN_SLOT;
        }
        left -= bytes;
        const slot = slots.at(-1) as Groups;
        const part = slot.get(head);
        if (part) part.set(key, packed);
        else slot.set(head, new Map([[key, packed]]));
      }
    }
    return slots;
  }

  get #count(): number {
    let count = 0;
    for (const group of this.#groups.values()) count += group.size;
    return count;
  }

  get #bytesOfAll(): number {
    if (this.#bytes !== undefined) return this.#bytes;
    let bytes = 0;
    for (const group of this.#groups.values()) {
      for (const [key, packed] of group) bytes += bytesOfRow(key, packed);
    }
    return (this.#bytes = bytes);
  }
}

export function pack(value: unknown): Packed {
  if (value === undefined) return undefined;
  return isJson(value) ? JSON.stringify(value) : { value: structuredClone(value) };
}

export function unpack(packed: Packed): unknown {
  return typeof packed === "string" ? JSON.parse(packed) : structuredClone(packed?.value);
}

function headOf(key: string): string {
  return (HEAD.exec(key) as RegExpExecArray)[0];
}

/** Whether a value is unchanged by JSON. */
function isJson(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== "object" || value === null)
    return value === null || ["string", "boolean"].includes(typeof value);
  // Holes in an array are undefined.
  return Array.isArray(value) ? [...value].every(isJson) : isLiteral(value) && Object.values(value).every(isJson);
}

function bytesOfRow(key: string, packed: Packed): number {
  return bytesOf(key) + bytesOf(packed);
}

/** The stored size in bytes: two per character for text beyond Latin-1. */
function bytesOf(packed: Packed): number {
  if (typeof packed === "string") return 8 + packed.length * (/^[\0-\xFF]*$/.test(packed) ? 1 : 2);
  return 16 + 2 * jsonLength(packed?.value);
}
