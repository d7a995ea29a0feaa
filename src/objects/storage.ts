import type { LogEntry, Storage } from "../platform/ports.ts";
import { keyForLog } from "../room/storage/keys.ts";

/** The part of an object's storage that is used here. */
export interface PlatformStorage extends Pick<DurableObjectStorage, "transactionSync" | "sync"> {
  readonly kv: Pick<SyncKvStorage, "get" | "put" | "delete" | "list">;
}

/** The maximum number of rows to skip. If more fail, the rows are not the cause. */
const MOST_SKIPPED = 100;

/** Counters of rows, as they are billed. */
export interface RowCounts {
  rowsRead: number;
  rowsWritten: number;
}

/**
 * Implements the port `Storage` with the storage of an object.
 * @param onSave called at the end of each transaction, inside of it
 */
export function kvStorage(
  storage: PlatformStorage,
  counts: RowCounts,
  onSave: () => void,
  log: (entry: LogEntry) => void,
): Storage {
  const { kv } = storage;
  return {
    get(key) {
      const value = kv.get(key);
      if (value !== undefined) counts.rowsRead++;
      return value;
    },
    put(key, value) {
      kv.put(key, value);
      counts.rowsWritten++;
    },
    delete(key) {
      if (kv.delete(key)) counts.rowsWritten++;
    },
    *list(range) {
      for (const row of readable(kv, log, range)) {
        counts.rowsRead++;
        yield row;
      }
    },
    transaction(run) {
      storage.transactionSync(() => {
        run();
        onSave();
      });
    },
    sync: () => storage.sync(),
  };
}

type Range = NonNullable<Parameters<Storage["list"]>[0]>;

/**
 * Lists rows, except those whose values the runtime can no longer read. Its iterator throws at such a row, and
 * continues with the next one. It does not tell their keys, so they are not deleted.
 */
function* readable(
  kv: PlatformStorage["kv"],
  log: (entry: LogEntry) => void,
  range: Range = {},
): Iterable<[key: string, value: unknown]> {
  const rows = kv.list(range)[Symbol.iterator]();
  let last: string | undefined;
  for (let skipped = 0; ;) {
    try {
      const { done, value } = rows.next();
      if (done === true) return;
      last = value[0];
      yield value;
    } catch (error) {
      // If the next row can be read now, the row was not the cause.
      const rest = last === undefined ? range : { ...range, start: `${last}\0` };
      if (++skipped > MOST_SKIPPED || isReadable(kv, rest)) throw error;
      log({
        level: "error",
        event: "row_unreadable",
        code: "internal",
        after: keyForLog(last ?? ""),
        error: String(error),
      });
    }
  }
}

function isReadable(kv: PlatformStorage["kv"], range: Range): boolean {
  const rows = kv.list({ ...range, limit: 1 });
  try {
    rows[Symbol.iterator]().next();
    return true;
  } catch {
    return false;
  }
}
