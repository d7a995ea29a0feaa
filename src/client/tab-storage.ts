import { randomId } from "./random-id.ts";

type TabStorage = { getItem(key: string): string | null; setItem(key: string, value: string): void };

/** @throws where a browser refuses it */
function storage(): TabStorage | undefined {
  return (globalThis as { readonly sessionStorage?: TabStorage }).sessionStorage;
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
export const tabStorage = {
  getItem(key: string): string | null {
    try {
      return storage()?.getItem(key) ?? null;
    } catch {
      return null;
    }
  },
  setItem(key: string, value: string): void {
    try {
      storage()?.setItem(key, value);
    } catch {
      // It is not remembered.
    }
  },
};

/**
 * A private session id for this tab, kept in `sessionStorage`: after a reload it is the same. Browsers copy it when a tab
 * is duplicated: both are the same user then. Where nothing can be stored, each call gives a new one.
 *
 * @param key under which it is kept
 * @example
 * import { connectRoom, tabSession } from "durable-rooms/client";
 * const game = connectRoom<typeof gameRoom>({ host: location.host, room: "game-1", id: tabSession() });
 */
export function tabSession(key = "session"): string {
  const id = tabStorage.getItem(key) ?? randomId();
  tabStorage.setItem(key, id);
  return id;
}
