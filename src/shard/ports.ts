import type { Alarm, Clock, LogEntry, Socket, Storage } from "../platform/ports.ts";
import type { Receipt, ShardBatch } from "../relay/messages.ts";
import type { Assignment } from "../world/assignment.ts";

/** A shard's report to its World. */
export interface ShardReport {
  readonly connections: number;
  /** How many clients ever connected, as far as the shard remembers. */
  readonly arrivals: number;
}

/** The ports of a shard: what it needs of the platform that it runs on. */
export interface ShardPorts {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly alarm: Alarm;
  /** Deletes everything that is stored, the alarm too. */
  end(): Promise<void>;
  /** The sockets that were open when the shard woke. */
  sockets(): Iterable<Socket>;
  /** Sends the room messages of its clients. */
  relay(assignment: Assignment, batch: ShardBatch): Promise<Receipt>;
  /** Sends the World a report. @returns false if the World does not know the shard */
  report(assignment: Assignment, report: ShardReport): Promise<boolean>;
  readonly log: (entry: LogEntry) => void;
  /** Counts messages that were sent on to the room. */
  readonly counts: { relayed: number };
}
