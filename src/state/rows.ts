/**
 * The rows that a state is stored in. The key `.` holds the scalar fields of the room, every other field has a
 * key of its own, and so has each entry of a collection: `players.abc`, and inside it `players.abc.items.sword`.
 * Dots and percent signs of an entry's key are percent-encoded.
 */
export const ROOT_KEY = ".";
/** Rows under this prefix hold what only hibernation may bring back. */
export const VOLATILE_PREFIX = "~";

export function encodeKey(names: readonly string[]): string {
  return names.map(encodeName).join(".");
}

/** One part of a key. */
export function encodeName(name: string): string {
  // Few names have any: looking first is several times as fast as replacing nothing.
  return /[%.]/.test(name) ? name.replace(/[%.]/g, (char) => (char === "." ? "%2E" : "%25")) : name;
}

export function decodeKey(key: string): string[] {
  const names = key.split(".");
  if (!key.includes("%")) return names;
  return names.map((name) => name.replace(/%2E|%25/g, (code) => (code === "%2E" ? "." : "%")));
}

/** The most rows that are noted as changed while nothing is stored. */
export const MAX_TOUCHED = 10_000;

/** What is unsaved: rows that are stored for good, or only volatile ones, which matter when the room may sleep. */
export type Unsaved = "stored" | "volatile";

/** Rows that changed since they were last written. */
export class Rows {
  readonly unsaved = new Set<Row>();
  readonly unsavedVolatile = new Set<Row>();
  readonly removed = new Set<string>();
  /** Removed rows of entries that are never stored for good. */
  readonly removedVolatile = new Set<string>();
  /** Rows of which something changed that clients are sent, since {@link log} was written last; {@link MAX_TOUCHED} and one at most. */
  readonly touched = new Set<Row>();
  /** The row that says so, which is written together with them. Undefined where nobody needs it. */
  log: Row | undefined;
  /** The number of the packet that what changes now is sent with. */
  clock = 0;
  /** Who has an older packet than this gets the whole state. */
  oldest = 0;
  /** Whether all that is unsaved is being written, in one transaction. */
  isSavingAll = false;
  /** Called when that is done. */
  onSaved: () => void = () => {};
  /** Called at the first change since the last write, or the last attempt at one: of each kind. */
  onUnsaved: ((what: Unsaved) => void) | undefined;
  readonly #told = { stored: false, volatile: false };

  /** Whether all that is stored for good is written. */
  get isClean(): boolean {
    return this.unsaved.size + this.removed.size === 0;
  }

  /** Whether all that only hibernation brings back is written. */
  get isVolatileClean(): boolean {
    return this.unsavedVolatile.size + this.removedVolatile.size === 0;
  }

  /** Something is unsaved. */
  note(what: Unsaved): void {
    if (this.#told[what] || !this.onUnsaved) return;
    this.#told[what] = true;
    this.onUnsaved(what);
  }

  /** All that could be written was: the next change calls {@link onUnsaved} again. */
  tried(): void {
    this.#told.stored = this.#told.volatile = false;
  }

  /** Forgets what is unsaved: it was just loaded, or written. @param volatileToo whether volatile rows were, too */
  clear(volatileToo = true): void {
    this.tried();
    this.unsaved.clear();
    this.removed.clear();
    if (!volatileToo) return;
    this.unsavedVolatile.clear();
    this.removedVolatile.clear();
  }
}

/** One stored row: a field, the scalars of the room, or an entry. */
export class Row {
  readonly key: string;
  /** The number of the packet with the last change of it that clients are sent. */
  changedIn = 0;
  readonly #rows: Rows;
  readonly #read: (persisted: boolean) => unknown;

  /** @param read the row's value: of the persisted fields, or of those that are not. Undefined if there are none. */
  constructor(rows: Rows, key: string, read: (persisted: boolean) => unknown) {
    this.#rows = rows;
    this.key = key;
    this.#read = read;
  }

  /** @param prefix what the keys of all entries of the collection begin with */
  static ofEntry(rows: Rows, prefix: string, key: string, read: (persisted: boolean) => unknown): Row {
    return new Row(rows, prefix + encodeName(key), read);
  }

  /** Whether something of it was not stored yet. */
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

  /** Something changed of it that clients are sent, whether that is stored or not. */
  touch(): void {
    this.changedIn = this.#rows.clock;
    const { log, touched } = this.#rows;
    if (log && touched.size <= MAX_TOUCHED) touched.add(this);
  }

  /** @param persisted whether it was stored for good */
  removed(persisted = true): void {
    const { unsaved, unsavedVolatile, removed, removedVolatile } = this.#rows;
    unsaved.delete(this);
    unsavedVolatile.delete(this);
    (persisted ? removed : removedVolatile).add(this.key);
    this.#rows.note(persisted ? "stored" : "volatile");
  }

  read(persisted: boolean): unknown {
    return this.#read(persisted);
  }
}
