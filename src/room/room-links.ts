import type { Broadcast } from "./broadcast.ts";
import type { Door } from "./door.ts";
import type { Link } from "./link.ts";
import type { Companion, Persistence } from "./persistence.ts";
import type { Clock, JoinRequest, Socket, Storage } from "./ports.ts";
import type { Receipt, ShardBatch, Shards } from "./relay.ts";
import type { Ticker } from "./ticker.ts";

/** What links need of their room. */
export interface LinkScope {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly shards: Shards;
  readonly persistence: Persistence;
  readonly broadcast: Broadcast;
  readonly door: Door;
  readonly ticker: Ticker | undefined;
  /** Where events of clients go. */
  readonly room: {
    connect(request: JoinRequest): Promise<void>;
    message(socket: Socket, frame: string | ArrayBuffer): Promise<void> | undefined;
    closed(socket: Socket): void;
  };
  failed(event: string, error: unknown, details: Record<string, unknown>): void;
}

/** What a room asks of its links to shards. */
export interface RoomLinks extends Companion {
  readonly size: number;
  readonly didSleep: boolean;
  readonly isSettled: boolean;
  all(): Iterable<Link>;
  load(rows: Iterable<[key: string, value: unknown]>): void;
  learn(): Promise<void>;
  relay(batch: ShardBatch): Promise<Receipt>;
  tellState(link: Link, isKnown: boolean): void;
}

/** Makes the links of a room: what is not asked for is not in the Worker. */
export type CreateLinks = (scope: LinkScope) => RoomLinks;
