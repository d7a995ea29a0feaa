import { randomId } from "./random-id.ts";

/** The part of `sessionStorage` and `localStorage` that is used. */
export interface WebStorage {
  /** Returns a value, or null if there is none. */
  getItem(key: string): string | null;
  /** Stores a value. */
  setItem(key: string, value: string): void;
}

/** A storage of the browser that does not throw. */
export function webStorage(kind: "session" | "local"): WebStorage {
  // A browser that denies storage may throw when the property is read.
  const find = () => (globalThis as unknown as Partial<Record<string, WebStorage>>)[`${kind}Storage`];
  return {
    getItem(key) {
      try {
        return find()?.getItem(key) ?? null;
      } catch {
        return null;
      }
    },
    setItem(key, value) {
      try {
        find()?.setItem(key, value);
      } catch {
        // The value is not stored.
      }
    },
  };
}

/**
 * Values that a tab keeps when it is reloaded: `sessionStorage`, but it never throws. If the browser denies storage, as
 * in some iframes, or has none, nothing is kept.
 *
 * @example
 * import { tabStorage } from "durable-rooms/client";
 * const name = tabStorage.getItem("name") ?? "Guest";
 * tabStorage.setItem("name", name);
 */
export const tabStorage: WebStorage = /* @__PURE__ */ webStorage("session");

/**
 * Returns a private session id for this tab, kept in `sessionStorage`, so that it is the same after a reload. When a
 * tab is duplicated, the browser copies the id, and both tabs are the same user. If nothing can be stored, each call
 * returns a new id. The option `storage` of `connectRoom` does the same with one id per service.
 *
 * @param key the key in `sessionStorage`. Default `"session"`
 * @example
 * import { connectRoom, tabSession } from "durable-rooms/client";
 * const game = connectRoom<typeof gameRoom>({ host: location.host, room: "game-1", id: tabSession() });
 */
export function tabSession(key = "session"): string {
  return keptId(tabStorage, key);
}

/** Returns the session id under a key. If there is none, it stores a new one. */
export function keptId(storage: WebStorage, key: string): string {
  const kept = storage.getItem(key);
  const id = isSessionId(kept) ? kept : randomId();
  storage.setItem(key, id);
  return id;
}

/** Whether a room accepts this as a session id (P2.1), and a URL can contain it: it has no half of a surrogate pair. */
export function isSessionId(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= 256 && !/[\ud800-\udfff]/u.test(value);
}
