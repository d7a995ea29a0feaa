import type { CompiledRoom } from "../../define/room.ts";
import type { RoomHandle } from "../../define/types.ts";

/** What all handlers and hooks of a room are given, and where they come from. */
export interface RoomContext {
  readonly compiled: CompiledRoom;
  readonly state: object;
  readonly room: RoomHandle;
}
