import type { Clock, Storage } from "../room/ports.ts";

/** The object's storage, as rooms and shards see it. */
export function kvStorage(storage: DurableObjectStorage): Storage {
  return {
    get: (key) => storage.kv.get(key),
    put: (key, value) => storage.kv.put(key, value),
    delete: (key) => void storage.kv.delete(key),
    list: (range) => storage.kv.list(range),
    transaction: (run) => storage.transactionSync(run),
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
