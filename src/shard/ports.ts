import type { Alarm, Clock, LogEntry, Socket, Storage } from "../platform/ports.ts";
import type { Receipt, ShardBatch } from "../relay/messages.ts";
import type { Assignment } from "../world/assignment.ts";

/** What a World wants to know of a shard. */
export interface ShardReport {
  readonly connections: number;
  /** Clients that ever came, as far as the shard remembers. */
  readonly arrivals: number;
}

/** What a shard needs of the platform that it runs on. */
export interface ShardPorts {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly alarm: Alarm;
  /** The sockets that were open when the shard woke. */
  sockets(): Iterable<Socket>;
  /** Tells the room what its clients sent. */
  relay(assignment: Assignment, batch: ShardBatch): Promise<Receipt>;
  /** Tells the World. @returns false if the World does not know the shard */
  report(assignment: Assignment, report: ShardReport): Promise<boolean>;
  readonly log: (entry: LogEntry) => void;
  /** Messages that were passed on are counted here. */
  readonly counts: { relayed: number };
}
