import type { Clock, Storage } from "../room/ports.ts";

/** Rows as they are billed. */
export interface RowCounts {
  rowsRead: number;
  rowsWritten: number;
}

/**
 * The object's storage, as rooms and shards see it.
 * @param onSave called at the end of each transaction, in it
 */
export function kvStorage(storage: DurableObjectStorage, counts: RowCounts, onSave: () => void): Storage {
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
      for (const row of kv.list(range)) {
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

export const realClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
