import type { Clock } from "../platform/ports.ts";
import { WaitingBudget } from "../platform/waiting-budget.ts";
import { weightOf } from "../relay/messages.ts";
import type { Batch, JoinAttempt, Receipt, ToRoom } from "../relay/messages.ts";
import { ChannelSender } from "../relay/reliable-channel.ts";
import type { Client } from "./clients.ts";

/** If the room cannot be reached for this long, it is considered lost. In ms. */
const PATIENCE = 30_000;
/**
 * The maximum size of messages that the room has not acknowledged, in bytes. They may use half of the object's memory.
 */
const MAX_WAITING = { client: 2_000_000, user: 4_000_000, all: 12_000_000 };

export interface UplinkCallbacks {
  send(batch: Batch<ToRoom>): Promise<Receipt>;
  /** Too many messages of a client wait. It has to be closed, unless it has left. */
  onFull(client: Client): void;
  onArrived(): void;
  /** The room cannot be reached, or does not know the shard. */
  onLost(): void;
}

/**
 * Sends messages of the shard's clients to the room. While the room is slow, the clients that send the most are closed,
 * and their waiting messages are dropped. The other clients keep their connections.
 */
export class Uplink {
  readonly #channel: ChannelSender<ToRoom, Client>;
  readonly #waiting: WaitingBudget<Client>;

  constructor(clock: Clock, callbacks: UplinkCallbacks) {
    this.#waiting = new WaitingBudget<Client>(MAX_WAITING, (client) => {
      // The room always has to know that a client left.
      this.#channel.discard(({ owner, item }) => owner === client && item.kind !== "leave");
      callbacks.onFull(client);
    });
    this.#channel = new ChannelSender<ToRoom, Client>(clock, PATIENCE, {
      send: (batch) => callbacks.send(batch),
      weightOf,
      onArrived: (entries) => {
        for (const { owner, weight, item } of entries) {
          if (owner && item.kind !== "leave") this.#waiting.remove(owner, weight);
        }
        callbacks.onArrived();
      },
      onUnknown: () => callbacks.onLost(),
      onSilent: () => callbacks.onLost(),
    });
  }

  /** Whether the room has acknowledged everything. */
  get isIdle(): boolean {
    return this.#channel.isIdle;
  }

  join(client: Client, attempt: JoinAttempt): void {
    this.#push(client, { kind: "join", id: client.id, knock: attempt });
  }

  message(client: Client, frame: string | ArrayBuffer): void {
    this.#push(client, { kind: "message", id: client.id, frame });
  }

  /** Asks for the changes that a client missed. @param boot identifies the memory of the room */
  missed({ id, seq }: Client, boot: string): void {
    this.#channel.push({ kind: "missed", id, seq, boot });
  }

  leave(client: Client, isLost: boolean): void {
    this.#channel.push({ kind: "leave", id: client.id, ...(isLost && { isLost }) }, client);
  }

  /** Tells the room that a new run began, so the clients of the last run are gone. */
  announceRun(): void {
    this.#channel.push({ kind: "leave", id: 0 });
  }

  close(): void {
    this.#channel.close();
  }

  /** Sends an item, unless the client is closed because of it. */
  #push(client: Client, item: ToRoom): void {
    if (this.#waiting.add(client, client.user, weightOf(item))) this.#channel.push(item, client);
  }
}
