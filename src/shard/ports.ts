import type { Alarm, Clock, LogEntry, Socket, Storage } from "../platform/ports.ts";
import type { Receipt, ShardBatch } from "../relay/messages.ts";
import type { Assignment } from "../world/assignment.ts";

/** What a shard reports to its World. */
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
  /** Sends the room what its clients sent. */
  relay(assignment: Assignment, batch: ShardBatch): Promise<Receipt>;
  /** Sends the World a report. @returns false if the World does not know the shard */
  report(assignment: Assignment, report: ShardReport): Promise<boolean>;
  readonly log: (entry: LogEntry) => void;
  /** Counts messages that were sent on to the room. */
  readonly counts: { relayed: number };
}
