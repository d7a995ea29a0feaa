import type { RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";

type AnyClient = RoomClient<AnyRoom>;

/** The options of a mounted component, as it was rendered last. */
interface Latest<Options> {
  readonly current: Options;
}

interface Shared<Options> {
  readonly client: AnyClient;
  /** The components that use the client. */
  readonly users: Latest<Options>[];
}

/**
 * The clients of a page, by what they connect to. Components with the same key share a client, which is closed when the
 * last of them is unmounted. On a server there are none.
 */
export class SharedClients<Options> {
  readonly #shared = new Map<string, Shared<Options>>();
  readonly #connect: (latest: () => Options) => AnyClient;

  /** @param connect makes a client. `latest` returns the options of a mounted component */
  constructor(connect: (latest: () => Options) => AnyClient) {
    this.#connect = connect;
  }

  find(key: string): AnyClient | undefined {
    return this.#shared.get(key)?.client;
  }

  /** Uses a client. @returns the client, and a function that stops using it */
  join(key: string, own: Latest<Options>): [client: AnyClient, leave: () => void] {
    const known = this.#shared.get(key);
    // A component that is mounted instead of one whose client was refused tries again.
    const isUsable = known && (known.users.length > 0 || known.client.status !== "closed");
    const shared = isUsable ? known : this.#make(own);
    this.#shared.set(key, shared);
    shared.users.push(own);
    const leave = () => {
      shared.users.splice(shared.users.indexOf(own), 1);
      // StrictMode, and pages that move a component, ask for it again at once.
      setTimeout(() => this.#closeUnused(key, shared));
    };
    return [shared.client, leave];
  }

  #make(own: Latest<Options>): Shared<Options> {
    const users: Latest<Options>[] = [];
    return { client: this.#connect(() => (users.at(-1) ?? own).current), users };
  }

  #closeUnused(key: string, shared: Shared<Options>): void {
    if (shared.users.length > 0 || this.#shared.get(key) !== shared) return;
    this.#shared.delete(key);
    shared.client.close();
  }
}
