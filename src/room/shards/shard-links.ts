import type { Broadcast } from "../sync/broadcast.ts";
import type { ShardLink } from "./shard-link.ts";
import type { Tree } from "../../state/tree.ts";
import type { Persistence } from "../storage/persistence.ts";
import type { Clock, Failures, Storage } from "../../platform/ports.ts";
import type { RoomSocket } from "../connections/remote-group.ts";
import type { JoinRequest } from "../connections/join-request.ts";
import type { Receipt, ShardBatch, Shards } from "../../relay/messages.ts";
import type { Connections } from "../connections/connections.ts";
import type { Companion, OwnRows } from "../timing/room-part.ts";

/** The parts of a room that its links need. */
export interface ShardLinksScope {
  readonly tree: Pick<Tree, "crowd" | "root">;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly shards: Shards;
  readonly persistence: Persistence;
  readonly broadcast: Broadcast;
  readonly connections: Connections;
  readonly failures: Failures;
  /** Receives the events of clients at shards. */
  readonly room: {
    connect(request: JoinRequest): Promise<void>;
    message(socket: RoomSocket, frame: string | ArrayBuffer): Promise<void> | undefined;
    closed(socket: RoomSocket, isLost: boolean): void;
    /**
     * Restores a client from before the room lost its memory.
     * @param isOpen whether it got its first packet
     */
    recover(socket: RoomSocket, isOpen: boolean): void;
  };
}

/** A room's links to its shards. */
export interface ShardLinks extends Companion {
  readonly size: number;
  readonly didSleep: boolean;
  /** Whether all clients at shards have exactly the present state. */
  readonly isAcknowledged: boolean;
  all(): Iterable<ShardLink>;
  load(rows: OwnRows): void;
  learn(): Promise<void>;
  relay(batch: ShardBatch): Promise<Receipt>;
  /** The room knows its clients again. @param didSleep whether they have the present state */
  resume(didSleep: boolean): void;
  /** Resolves when shards have acknowledged everything, or after a time limit. */
  acknowledged(): Promise<void>;
}
