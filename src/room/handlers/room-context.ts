import type { CompiledRoom } from "../../define/room.ts";
import type { RoomHandle } from "../../define/types.ts";

/** The definition of a room, and the common part of all contexts. */
export interface RoomContext {
  readonly compiled: CompiledRoom;
  readonly state: object;
  readonly room: RoomHandle;
}
