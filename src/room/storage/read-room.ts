import type { CompiledRoom } from "../../define/room.ts";
import { RESTART } from "../../protocol/codes.ts";
import { diff, SAME } from "../../state/diff.ts";
import { Tree } from "../../state/tree.ts";
import type { UnreadCollection } from "../../state/tree.ts";
import { AHEAD_KEY, KNOWN_PREFIX, LINK_PREFIX, VERSION_KEY } from "./keys.ts";
import { migrateSnapshot } from "./migration.ts";
import { RuntimeRows } from "./runtime-rows.ts";
import type { RowChecks } from "./runtime-rows.ts";
import type { Socket, Storage } from "../../platform/ports.ts";
import type { Quarantine } from "./quarantine.ts";
import { assemble, partition, readRows } from "./state-rows.ts";
import type { StoredRow } from "../timing/room-part.ts";

/** Where stored data is read from. */
export interface Sources {
  readonly storage: Storage;
  /** The sockets that were open when the room woke. */
  sockets(): Iterable<Socket>;
  /** The checks of rows that only some rooms have. */
  readonly rowChecks: RowChecks;
}

/** Receives reports about the start. */
export interface Notes {
  note(event: string, details: Record<string, unknown>): void;
}

/** The stored data of a room that starts, in the form of its definition. */
export interface StoredRoom {
  readonly own: RuntimeRows;
  readonly fields: readonly StoredRow[];
  /** The open sockets. */
  readonly sockets: readonly Socket[];
  /** Stores the version, if that is needed before the first row. */
  readonly noteVersion: (() => void) | undefined;
  /** The collections whose entries are read on demand. */
  readonly waiting: ReadonlyMap<string, UnreadCollection>;
}

/**
 * Reads the stored data. If an older version wrote it, it is migrated once, in one transaction.
 * @throws Error if a newer version wrote it, or a step fails. Then nothing has changed
 */
export function readRoom(
  compiled: CompiledRoom,
  tree: Tree,
  ports: Sources,
  quarantine: Quarantine,
  reporter: Notes,
): StoredRoom {
  const { storage, rowChecks } = ports;
  const { version, definition } = compiled;
  const open = [...ports.sockets()].filter((socket) => socket.isOpen);
  // Restore hooks get everything that is stored.
  const isHooked = definition.onStorageRestore !== undefined || definition.onUserStorageRestore !== undefined;
  const waiting = isHooked ? new Map<string, UnreadCollection>() : tree.unreadCollections();
  const { own, fields } = partition(readRows(storage, waiting.keys()));
  const from = versionOf(own, () => (version > 1 ? storage.get(VERSION_KEY) : undefined));
  const found = { fields, sockets: open, waiting };
  if (from === version) return { ...found, own: new RuntimeRows(own, quarantine, rowChecks), noteVersion: undefined };
  const all = partition(readRows(storage, []));
  if (from < version && all.fields.length === 0) {
    const noteVersion = () => storage.put(VERSION_KEY, version);
    return { ...found, own: new RuntimeRows(own, quarantine, rowChecks), noteVersion };
  }
  migrate(compiled, storage, all, from, quarantine);
  reporter.note("migrated", { from, to: version });
  return readRoom(compiled, tree, { ...ports, sockets: () => closeAll(open) }, quarantine, reporter);
}

/** Closes the sockets of clients with another state. They reconnect at once, and get the whole state. */
export function closeAll(sockets: readonly Socket[]): Socket[] {
  for (const socket of sockets) socket.close(RESTART, "The room restarts");
  return [];
}

function migrate(
  compiled: CompiledRoom,
  storage: Storage,
  { own, fields }: ReturnType<typeof partition>,
  from: number,
  quarantine: Quarantine,
): void {
  const { snapshot = {} } = assemble(fields, false, () => false, quarantine);
  const migrated = migrateSnapshot(compiled, snapshot, from);
  const tree = new Tree(compiled.definition.state());
  tree.onUnreadable = (names, value, error) => quarantine.take(names, value, error);
  tree.load(migrated);
  quarantine.move(() => {
    replaceRows(storage, fields, tree.storedRows());
    // It describes the fields of the older version.
    for (const [key] of own) if (key.startsWith(KNOWN_PREFIX)) storage.delete(key);
    // Clients at shards do not have the new state, even if the room crashes before it updates them.
    if (own.some(([key]) => key.startsWith(LINK_PREFIX))) storage.put(AHEAD_KEY, true);
    storage.put(VERSION_KEY, compiled.version);
  });
}

/** @param again reads a row that was not found, and throws if it exists but cannot be read */
function versionOf(own: readonly StoredRow[], again: () => unknown): number {
  const version = own.find(([key]) => key === VERSION_KEY)?.[1] ?? again() ?? 1;
  if (Number.isSafeInteger(version)) return version as number;
  throw new Error(`The row ${VERSION_KEY} has to hold the number of a version`);
}

function replaceRows(storage: Storage, before: readonly StoredRow[], after: ReadonlyMap<string, unknown>): void {
  const known = new Map(before);
  for (const key of known.keys()) if (!after.has(key)) storage.delete(key);
  for (const [key, value] of after) {
    // Comparing costs less than writing a row.
    if (!isSame(known.get(key), value)) storage.put(key, value);
  }
}

/**
 * Compared as text, for the order of keys, and as values, since some different values have the same text: -0 and 0, or
 * a date and its text.
 */
function isSame(before: unknown, after: unknown): boolean {
  return JSON.stringify(before) === JSON.stringify(after) && diff(before, after) === SAME;
}
