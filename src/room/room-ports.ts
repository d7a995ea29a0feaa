import type { Alarm, Clock, LogEntry, Storage } from "../platform/ports.ts";
import type { RoomSocket } from "./connections/remote-group.ts";
import type { CalledRooms } from "./actions/room-calls.ts";
import type { OtherRooms } from "./transfers/messages.ts";

/** The ports of a room: what it needs of its platform. */
export interface Ports {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly alarm: Alarm;
  readonly neighbours: OtherRooms & CalledRooms;
  /** The sockets that were open when the room woke. */
  sockets(): Iterable<RoomSocket>;
  /**
   * Deletes everything that is stored. Later changes by this memory of the room have no effect: the next event starts a
   * new room.
   */
  retire(): Promise<void>;
  readonly log: (entry: LogEntry) => void;
}
