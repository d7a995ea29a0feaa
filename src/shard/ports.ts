import type { Alarm, Clock, LogEntry, Socket, Storage } from "../platform/ports.ts";
import type { Receipt, ShardBatch } from "../relay/messages.ts";
import type { Assignment } from "../world/assignment.ts";

/** A shard's report to its World. */
export interface ShardReport {
  readonly connections: number;
  /** How many clients have connected in total, as far as the shard remembers. */
  readonly arrivals: number;
}

/** The ports of a shard: the parts of the platform that it needs. */
export interface ShardPorts {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly alarm: Alarm;
  /** Deletes all stored data and the alarm. */
  end(): Promise<void>;
  /** The sockets that were open when the shard woke. */
  sockets(): Iterable<Socket>;
  /** Sends messages of clients to the room. */
  relay(assignment: Assignment, batch: ShardBatch): Promise<Receipt>;
  /** Sends the World a report. @returns false if the World does not know the shard */
  report(assignment: Assignment, report: ShardReport): Promise<boolean>;
  readonly log: (entry: LogEntry) => void;
  /** Counts messages that were forwarded to the room. */
  readonly counts: { relayed: number };
}
