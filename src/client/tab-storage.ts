import { randomId } from "./random-id.ts";

/** What is used of `sessionStorage` and `localStorage`. */
export interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/** A storage of the browser, without its errors. */
export function webStorage(kind: "session" | "local"): WebStorage {
  // A browser that refuses it may throw already where it is looked up.
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
        // It is not remembered.
      }
    },
  };
}

/**
 * What a tab remembers through reloads: `sessionStorage`, without its errors. Where a browser refuses storage, as in some
 * iframes, or there is none, nothing is remembered.
 *
 * @example
 * import { tabStorage } from "durable-rooms/client";
 * const name = tabStorage.getItem("name") ?? "Guest";
 * tabStorage.setItem("name", name);
 */
export const tabStorage: WebStorage = /* @__PURE__ */ webStorage("session");

/**
 * A private session id for this tab, kept in `sessionStorage`: after a reload it is the same. Browsers copy it when a tab
 * is duplicated: both are the same user then. Where nothing can be stored, each call gives a new one. The option `storage`
 * of `connectRoom` does the same, with another id for each service.
 *
 * @param key under which it is kept
 * @example
 * import { connectRoom, tabSession } from "durable-rooms/client";
 * const game = connectRoom<typeof gameRoom>({ host: location.host, room: "game-1", id: tabSession() });
 */
export function tabSession(key = "session"): string {
  return keptId(tabStorage, key);
}

/** The session id under a key, or a new one, which is kept from now on. */
export function keptId(storage: WebStorage, key: string): string {
  const kept = storage.getItem(key);
  const id = isSessionId(kept) ? kept : randomId();
  storage.setItem(key, id);
  return id;
}

/** Whether a room takes this as a session id (P2.1). */
export function isSessionId(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= 256;
}
