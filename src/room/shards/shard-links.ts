import type { Broadcast } from "../sync/broadcast.ts";
import type { ShardLink } from "./shard-link.ts";
import type { Companion, Persistence } from "../storage/persistence.ts";
import type { Clock, Storage } from "../../platform/ports.ts";
import type { RoomSocket } from "../connections/remote-group.ts";
import type { JoinRequest } from "../connections/join-request.ts";
import type { Receipt, ShardBatch, Shards } from "../../relay/messages.ts";
import type { Ticker } from "../timing/ticker.ts";

/** What links need of their room. */
export interface ShardLinksScope {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly shards: Shards;
  readonly persistence: Persistence;
  readonly broadcast: Broadcast;
  readonly door: {
    recover(socket: RoomSocket, isOpen?: boolean): void;
    answer(socket: RoomSocket, text: string): void;
  };
  readonly ticker: Ticker | undefined;
  /** Where events of clients go. */
  readonly room: {
    connect(request: JoinRequest): Promise<void>;
    message(socket: RoomSocket, frame: string | ArrayBuffer): Promise<void> | undefined;
    closed(socket: RoomSocket): void;
  };
  failed(event: string, error: unknown, details: Record<string, unknown>): void;
}

/** What a room asks of its links to shards. */
export interface ShardLinks extends Companion {
  readonly size: number;
  readonly didSleep: boolean;
  readonly isSettled: boolean;
  all(): Iterable<ShardLink>;
  load(rows: Iterable<[key: string, value: unknown]>): void;
  learn(): Promise<void>;
  relay(batch: ShardBatch): Promise<Receipt>;
  tellState(link: ShardLink, isKnown: boolean): void;
}

/** Makes the links of a room: what is not asked for is not in the Worker. */
export type CreateShardLinks = (scope: ShardLinksScope) => ShardLinks;
