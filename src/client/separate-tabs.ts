import type { IdStorage } from "./options.ts";
import { webStorage } from "./tab-storage.ts";

/** How long a reloading page may keep its id, and how long another page may take to answer, in ms. */
const ANSWER_TIME = 500;

const tab = /* @__PURE__ */ webStorage("session");
/** The ids that this page has asked for, and whether they are its own. All clients of the page share them. */
const claims = /* @__PURE__ */ new Map<string, Promise<boolean>>();

/**
 * For the option `storage`: each tab is a user of its own, also a duplicated tab. The id survives reloads, as with
 * `"session"`. A duplicated tab takes up to 500 ms longer to connect. Without TLS, each tab does.
 *
 * @example
 * import { connectRoom, separateTabs } from "durable-rooms/client";
 * const game = connectRoom<typeof gameRoom>({ host: location.host, room: "game-1", storage: separateTabs });
 */
export const separateTabs: IdStorage = {
  async getItem(key) {
    const id = tab.getItem(key);
    return id && (await claim(id)) ? id : null;
  },
  async setItem(key, id) {
    await claim(id);
    tab.setItem(key, id);
  },
};

/** @returns whether no other open page has this id */
function claim(id: string): Promise<boolean> {
  const name = `durable-rooms:${id}`;
  const { navigator, BroadcastChannel } = globalThis as Page;
  const claimed = claims.get(id) ?? (navigator?.locks ? lock(navigator.locks, name) : ask(BroadcastChannel, name));
  claims.set(id, claimed);
  return claimed;
}

/** The part of a browser that is used. Only pages with TLS have locks. */
interface Page {
  readonly navigator?: { readonly locks?: Locks };
  readonly BroadcastChannel?: new (name: string) => Channel;
}
interface Locks {
  request(name: string, options: { readonly signal: AbortSignal }, hold: () => Promise<unknown>): Promise<unknown>;
}
interface Channel {
  postMessage(message: string): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  close(): void;
}

/** Takes a lock, which the browser releases when the page is closed. */
function lock(locks: Locks, name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), ANSWER_TIME);
    const hold = () => {
      clearTimeout(timer);
      resolve(true);
      return new Promise(() => {});
    };
    locks.request(name, { signal: stop.signal }, hold).catch(() => resolve(false));
  });
}

/* oxlint-disable unicorn/require-post-message-target-origin -- a BroadcastChannel has none: it is of one origin. */
/** Asks all other pages, and answers pages that ask later. */
function ask(BroadcastChannel: Page["BroadcastChannel"], name: string): Promise<boolean> {
  if (!BroadcastChannel) return Promise.resolve(true);
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(name);
    let isOwn = false;
    const timer = setTimeout(() => resolve((isOwn = true)), ANSWER_TIME);
    channel.addEventListener("message", ({ data }) => {
      if (data === "whose?" && isOwn) channel.postMessage("mine");
      if (data !== "mine" || isOwn) return;
      clearTimeout(timer);
      channel.close();
      resolve(false);
    });
    channel.postMessage("whose?");
  });
}
