import type { Verify } from "../auth/verify.ts";
import type { FindRoom } from "../define/room.ts";
import type { RoomObjectClass } from "../objects/room-object.ts";
import type { ShardObjectClass } from "../objects/shard-object.ts";
import type { Places } from "../objects/places.ts";
import type { CreateWorldParts } from "../objects/world-parts.ts";
import type { Log } from "../platform/log.ts";

/**
 * The option `world` of `createRooms`, as `worlds` of `durable-rooms/worlds` makes it. The code of Worlds is reached only
 * through this object, so a Worker without Worlds does not contain it.
 */
export interface Worlds {
  /** The ids of the Worlds that there are; undefined if any id is a World. */
  readonly ids: readonly string[] | undefined;
  /** Whether a request to a World is for a route of your own. */
  readonly owns: (method: string, path: string) => boolean;
  /** Checks operators' tokens in a service without `auth`. */
  readonly operators: Verify;
  /** Makes what a room has of Worlds: its links to shards, and its listing. */
  readonly createParts: CreateWorldParts;
  /** Finds the rooms that Worlds are. @param now their clock, for tests */
  findWorld(find: FindRoom, log: Log, places: Places, now?: () => number): FindRoom;
  /** Makes the classes of Worlds and shards. */
  classes(
    find: FindRoom,
    log: Log,
    places?: Places,
  ): { readonly WorldObject: RoomObjectClass; readonly ShardObject: ShardObjectClass };
}
