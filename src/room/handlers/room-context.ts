import type { CompiledRoom } from "../../define/room.ts";
import type { RoomHandle } from "../../define/types.ts";

/** The definition of a room, and what all of its handlers and hooks get. */
export interface RoomContext {
  readonly compiled: CompiledRoom;
  readonly state: object;
  readonly room: RoomHandle;
}
