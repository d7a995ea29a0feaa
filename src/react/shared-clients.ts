import type { RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";

type AnyClient = RoomClient<AnyRoom>;

interface Shared {
  readonly client: AnyClient;
  users: number;
}

/**
 * The clients of a page, by what they are connected to. Components that ask for the same one share it, and it is closed
 * when none of them is there any more. On a server there are none, since nothing connects there.
 */
class SharedClients {
  readonly #shared = new Map<string, Shared>();

  find(key: string): AnyClient | undefined {
    return this.#shared.get(key)?.client;
  }

  /**
   * Takes part in a client. @param connect makes it, if it is not there yet
   * @returns the client, and what ends taking part in it
   */
  join(key: string, connect: () => AnyClient): [client: AnyClient, leave: () => void] {
    const shared = this.#shared.get(key) ?? { client: connect(), users: 0 };
    this.#shared.set(key, shared);
    shared.users++;
    const leave = () => {
      shared.users--;
      // StrictMode, and pages that put a component elsewhere, ask for it again at once.
      setTimeout(() => this.#closeUnused(key, shared));
    };
    return [shared.client, leave];
  }

  #closeUnused(key: string, shared: Shared): void {
    if (shared.users > 0 || this.#shared.get(key) !== shared) return;
    this.#shared.delete(key);
    shared.client.close();
  }
}

export const sharedClients = new SharedClients();
