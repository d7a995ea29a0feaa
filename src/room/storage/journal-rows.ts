import { isLiteral, jsonLength } from "../../protocol/values.ts";

/**
 * The value of a row as JSON, which is parsed when somebody asks for it: a room that wakes may have thousands. Or as it
 * is, where JSON cannot hold it; or undefined, where the row was deleted.
 */
export type Packed = string | { readonly value: unknown } | undefined;

type Group = Map<string, Packed>;
/** Rows by key, in groups by what their keys begin with, as in `players.` and `$session:`. */
type Groups = Map<string, Group>;
/** As it is stored. At first rows were not in groups. */
export type Slot = ReadonlyMap<string, Group | Packed>;

/** Bytes of rows in one slot: the runtime stores 2 MiB under a key, and a slot is a little more than its rows. */
const MOST_IN_SLOT = 2_000_000;
/** Each row counts as so many bytes more: it takes time too. */
const ROW_COST = 200;
const HEAD = /^[^.:]*[.:]?/;

/**
 * The rows in a journal. They are kept in the groups in which they are stored, so a room that wakes goes through none of
 * them: there may be thousands, and it needs a few.
 */
export class JournalRows {
  #groups: Groups = new Map();
  /** Undefined until it is needed: it takes a look at each row. */
  #bytes: number | undefined = 0;

  /** Takes what is stored, in one slot or several. */
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

  /** Bytes, at most, and what rows count besides. */
  get size(): number {
    return this.#bytesOfAll + this.#count * ROW_COST;
  }

  /** What some of them count for. */
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

  /** The keys from `start` on and before `end`. Groups that have none of them are not looked at. */
  *keysIn(start: string, end: string | undefined): Iterable<string> {
    for (const [head, group] of this.#groups) {
      const isBefore = start > head && !start.startsWith(head);
      if (isBefore || (end !== undefined && end <= head)) continue;
      for (const key of group.keys()) if (key >= start && (end === undefined || key < end)) yield key;
    }
  }

  /** As they are to be stored: in one slot, or in more where the platform's limit on a value asks for it. */
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

/** Whether a value is the same again when it was JSON in between. */
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

/** How many bytes the runtime stores: of a text with other than Latin letters, two for each character. */
function bytesOf(packed: Packed): number {
  if (typeof packed === "string") return 8 + packed.length * (/^[\0-\xFF]*$/.test(packed) ? 1 : 2);
  return 16 + 2 * jsonLength(packed?.value);
}
