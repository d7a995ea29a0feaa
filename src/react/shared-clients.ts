import type { RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";

type AnyClient = RoomClient<AnyRoom>;

interface Shared {
  readonly client: AnyClient;
  users: number;
}

/**
 * The clients of a page, by what they connect to. Components with the same key share a client, which is closed when the
 * last of them is unmounted. On a server there are none.
 */
class SharedClients {
  readonly #shared = new Map<string, Shared>();

  find(key: string): AnyClient | undefined {
    return this.#shared.get(key)?.client;
  }

  /**
   * Uses a client. @param connect makes it, if there is none yet
   * @returns the client, and a function that stops using it
   */
  join(key: string, connect: () => AnyClient): [client: AnyClient, leave: () => void] {
    const known = this.#shared.get(key);
    // A component that is mounted instead of one whose client was refused tries again.
    const isUsable = known && (known.users > 0 || known.client.status !== "closed");
    const shared = isUsable ? known : { client: connect(), users: 0 };
    this.#shared.set(key, shared);
    shared.users++;
    const leave = () => {
      shared.users--;
      // StrictMode, and pages that move a component, ask for it again at once.
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
