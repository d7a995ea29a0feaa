/**
 * The rows in which a state is stored. The key `.` has the scalar fields of the room. Each other field has its own key,
 * and so does each entry of a collection: `players.abc`, and inside of it `players.abc.items.sword`. Dots and percent
 * signs in an entry's key are percent-encoded.
 */
export const ROOT_KEY = ".";
/** Rows with this prefix are used only after hibernation, not after a crash. */
export const VOLATILE_PREFIX = "~";

export function encodeKey(names: readonly string[]): string {
  return names.map(encodeName).join(".");
}

/** One part of a key. */
export function encodeName(name: string): string {
  // Few names contain any. Testing first is several times faster than replacing nothing.
  return /[%.]/.test(name) ? name.replace(/[%.]/g, (char) => (char === "." ? "%2E" : "%25")) : name;
}

export function decodeKey(key: string): string[] {
  const names = key.split(".");
  if (!key.includes("%")) return names;
  return names.map((name) => name.replace(/%2E|%25/g, (code) => (code === "%2E" ? "." : "%")));
}

/** The range of keys with a prefix, which ends with an ASCII character. */
export function under(prefix: string): { readonly start: string; readonly end: string } {
  return { start: prefix, end: prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1) };
}

/** The prefix of the keys of a collection's entries. */
export function prefixOf(name: string): string {
  return `${name}.`;
}

/** The maximum number of changed rows that are remembered while nothing is stored. */
export const MAX_TOUCHED = 10_000;

/** The kind of unsaved rows: stored permanently, or volatile. Volatile rows matter when the room may hibernate. */
export type Unsaved = "stored" | "volatile";

/** The rows that changed since they were last written. */
export class Rows {
  readonly unsaved = new Set<Row>();
  readonly unsavedVolatile = new Set<Row>();
  readonly removed = new Set<string>();
  /** Removed rows of entries that are never stored permanently. */
  readonly removedVolatile = new Set<string>();
  /** Rows with changes that clients get, since {@link log} was last written. At most {@link MAX_TOUCHED} and one. */
  readonly touched = new Set<Row>();
  /** The row that records them, which is written together with them. Undefined if no client needs it. */
  log: Row | undefined;
  /** The number of the packet that will contain the next changes. */
  clock = 0;
  /** Clients with an older packet than this get the whole state. */
  oldest = 0;
  /** Whether all unsaved rows are being written in one transaction. */
  isSavingAll = false;
  /** Called after they were written. */
  onSaved: () => void = () => {};
  /** Called for each kind at the first change since the last write or the last attempt. */
  onUnsaved: ((what: Unsaved) => void) | undefined;
  readonly #told = { stored: false, volatile: false };

  /** Whether all permanent rows are written. */
  get isClean(): boolean {
    return this.unsaved.size + this.removed.size === 0;
  }

  /** Whether all volatile rows are written. */
  get isVolatileClean(): boolean {
    return this.unsavedVolatile.size + this.removedVolatile.size === 0;
  }

  /** A row is unsaved. */
  note(what: Unsaved): void {
    if (this.#told[what] || !this.onUnsaved) return;
    this.#told[what] = true;
    this.onUnsaved(what);
  }

  /** Everything was written that could be. The next change calls {@link onUnsaved} again. */
  tried(): void {
    this.#told.stored = this.#told.volatile = false;
  }

  /**
   * Forgets the unsaved rows, after they were loaded or written. @param volatileToo whether to forget volatile rows too
   */
  clear(volatileToo = true): void {
    this.tried();
    this.unsaved.clear();
    this.removed.clear();
    if (!volatileToo) return;
    this.unsavedVolatile.clear();
    this.removedVolatile.clear();
  }
}

/** Returns the value of a row: the persisted fields, or the others. Undefined if there are none. */
type ReadRow = (persisted: boolean, entry: string) => unknown;

/** One stored row: a field, the scalars of the room, or an entry. */
export class Row {
  readonly key: string;
  /** The number of the packet with its last change that clients get. */
  changedIn = 0;
  readonly #rows: Rows;
  readonly #read: ReadRow;
  readonly #entry: string;

  /** @param entry the key of an entry, whose collection has one function that reads the rows of all entries */
  constructor(rows: Rows, key: string, read: ReadRow, entry = "") {
    this.#rows = rows;
    this.key = key;
    this.#read = read;
    this.#entry = entry;
  }

  /** Whether a change of it has not been stored yet. */
  get isUnsaved(): boolean {
    return this.#rows.unsaved.has(this);
  }

  changed(persisted: boolean): void {
    const { unsaved, unsavedVolatile, removed, removedVolatile } = this.#rows;
    (persisted ? unsaved : unsavedVolatile).add(this);
    removed.delete(this.key);
    removedVolatile.delete(this.key);
    this.#rows.note(persisted ? "stored" : "volatile");
  }

  /** It has a change that clients get, whether that is stored or not. */
  touch(): void {
    this.changedIn = this.#rows.clock;
    const { log, touched } = this.#rows;
    if (log && touched.size <= MAX_TOUCHED) touched.add(this);
  }

  /** @param persisted whether it was stored permanently */
  removed(persisted = true): void {
    const { unsaved, unsavedVolatile, removed, removedVolatile } = this.#rows;
    unsaved.delete(this);
    unsavedVolatile.delete(this);
    (persisted ? removed : removedVolatile).add(this.key);
    this.#rows.note(persisted ? "stored" : "volatile");
  }

  read(persisted: boolean): unknown {
    return this.#read(persisted, this.#entry);
  }
}
