import { RoomError } from "../protocol/errors.ts";

/** The reason for closing the client with the most waiting messages. */
export function tooMuchWaits(): RoomError {
  return new RoomError("rate_limited", "Too much data waits for this connection");
}

/** The user that a client's messages are counted for: its session, or the client itself if it gave none. */
export function userOf(sessionId: string | undefined, clientId: string | number): string {
  // Since a client chooses its session id, it must not be able to choose the name of another client.
  return sessionId === undefined ? `client ${clientId}` : `session ${sessionId}`;
}

/** The maximum weight that may wait: per client, per user, and in total. The unit is that of the weights. */
export interface WaitingLimits {
  readonly client: number;
  readonly user: number;
  readonly all: number;
}

interface User<K> {
  weight: number;
  readonly clients: Set<Client<K>>;
}

interface Client<K> {
  readonly key: K;
  readonly user: string;
  weight: number;
}

/**
 * Counts the messages that wait, by client and by user. If a limit is reached, the client with the most waiting
 * messages is closed: clients that flood an object lose their connections, and the others keep theirs.
 */
export class WaitingBudget<K> {
  readonly #limits: WaitingLimits;
  readonly #onFull: (key: K) => void;
  /** Only clients with waiting messages. */
  readonly #clients = new Map<K, Client<K>>();
  readonly #users = new Map<string, User<K>>();
  #weight = 0;

  /** @param onFull called for a client that has to be closed. Its messages are no longer counted. */
  constructor(limits: WaitingLimits, onFull: (key: K) => void) {
    this.#limits = limits;
    this.#onFull = onFull;
  }

  /**
   * Counts one more message. Limits are checked before it is added, so a single message may be larger than a limit.
   * @param isOptional whether it is left out rather than that anybody is closed: at most half of what may wait is optional
   * @returns false if its sender was closed instead, or it was left out
   */
  add(key: K, user: string, weight: number, isOptional?: boolean): boolean {
    if (isOptional && this.#weight >= this.#limits.all / 2) return false;
    for (let next = this.#nextToClose(key, user); next; next = this.#nextToClose(key, user)) {
      this.clear(next.key);
      this.#onFull(next.key);
      if (next.key === key) return false;
    }
    this.#count(this.#clients.get(key) ?? this.#create(key, user), weight);
    return true;
  }

  /** Stops counting a message. */
  remove(key: K, weight: number): void {
    const client = this.#clients.get(key);
    if (client) this.#count(client, -weight);
  }

  /** Stops counting all messages of a client. */
  clear(key: K): void {
    const client = this.#clients.get(key);
    if (client) this.#count(client, -client.weight);
  }

  #nextToClose(key: K, userName: string): Client<K> | undefined {
    const client = this.#clients.get(key);
    if (client && client.weight >= this.#limits.client) return client;
    let user = this.#users.get(userName);
    if (!user || user.weight < this.#limits.user) {
      user = this.#weight < this.#limits.all ? undefined : heaviest(this.#users.values());
    }
    return user && heaviest(user.clients);
  }

  #create(key: K, user: string): Client<K> {
    const client = { key, user, weight: 0 };
    this.#clients.set(key, client);
    if (!this.#users.has(user)) this.#users.set(user, { weight: 0, clients: new Set() });
    this.#users.get(user)?.clients.add(client);
    return client;
  }

  #count(client: Client<K>, weight: number): void {
    const user = this.#users.get(client.user) as User<K>;
    client.weight += weight;
    user.weight += weight;
    this.#weight += weight;
    if (client.weight > 0) return;
    this.#clients.delete(client.key);
    user.clients.delete(client);
    if (user.clients.size === 0) this.#users.delete(client.user);
  }
}

function heaviest<T extends { readonly weight: number }>(all: Iterable<T>): T | undefined {
  let found: T | undefined;
  for (const one of all) if (!found || one.weight > found.weight) found = one;
  return found;
}
