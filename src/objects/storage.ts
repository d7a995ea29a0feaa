import type { LogEntry, Storage } from "../platform/ports.ts";
import { keyForLog } from "../room/storage/keys.ts";

/** What rooms and shards use of an object's storage. */
export interface PlatformStorage extends Pick<DurableObjectStorage, "transactionSync" | "sync"> {
  readonly kv: Pick<SyncKvStorage, "get" | "put" | "delete" | "list">;
}

/** Rows that may be skipped: where more fail, it is not the rows. */
const MOST_SKIPPED = 100;

/** Rows as they are billed. */
export interface RowCounts {
  rowsRead: number;
  rowsWritten: number;
}

/**
 * The object's storage, as rooms and shards see it.
 * @param onSave called at the end of each transaction, in it
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
 * Lists rows, without those whose values the runtime cannot read any more: its iterator throws there, and then goes on
 * with the next. It does not say what their keys are, so they stay where they are.
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
      // A row that can be read when it is asked for again was not what failed.
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
