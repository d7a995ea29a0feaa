import type { Clock } from "../platform/ports.ts";
import { WaitingBudget } from "../platform/waiting-budget.ts";
import { weightOf } from "../relay/messages.ts";
import type { Batch, JoinAttempt, Receipt, ToRoom } from "../relay/messages.ts";
import { ChannelSender } from "../relay/reliable-channel.ts";
import type { Client } from "./clients.ts";

/** After the room could not be reached for this long, it counts as lost. ms */
const PATIENCE = 30_000;
/** Bytes that clients sent and the room has not acknowledged. Half an object's memory has to be left for the rest. */
const MAX_WAITING = { client: 2_000_000, user: 4_000_000, all: 24_000_000 };

export interface UplinkCallbacks {
  send(batch: Batch<ToRoom>): Promise<Receipt>;
  /** Too much of this client waits, who may have left: it is to be closed. */
  onFull(client: Client): void;
  onArrived(): void;
  /** The room cannot be reached, or does not know the shard. */
  onLost(): void;
}

/**
 * The way to the room of what a shard's clients send. While the room is slow, those who send most are closed, and what
 * waits of them is not sent: the others keep their connections, whatever strangers do.
 */
export class Uplink {
  readonly #channel: ChannelSender<ToRoom, Client>;
  readonly #waiting: WaitingBudget<Client>;

  constructor(clock: Clock, callbacks: UplinkCallbacks) {
    this.#waiting = new WaitingBudget<Client>(MAX_WAITING, (client) => {
      // That a client left has to be told in any case.
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

  /** Whether the room has acknowledged all that clients sent. */
  get isIdle(): boolean {
    return this.#channel.isIdle;
  }

  join(client: Client, knock: JoinAttempt): void {
    this.#push(client, { kind: "join", id: client.id, knock });
  }

  message(client: Client, frame: string | ArrayBuffer): void {
    this.#push(client, { kind: "message", id: client.id, frame });
  }

  leave(client: Client): void {
    this.#channel.push({ kind: "leave", id: client.id }, client);
  }

  /** Tells the room of this run of the shard, in which none of the clients is left that it knew. */
  announceRun(): void {
    this.#channel.push({ kind: "leave", id: 0 });
  }

  close(): void {
    this.#channel.close();
  }

  /** Nothing is sent of a client that was closed for it. */
  #push(client: Client, item: ToRoom): void {
    if (this.#waiting.add(client, client.user, weightOf(item))) this.#channel.push(item, client);
  }
}
