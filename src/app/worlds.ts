import type { Operators } from "../auth/operators.ts";
import type { FindRoom } from "../define/room.ts";
import type { RoomObjectClass } from "../objects/room-object.ts";
import type { ShardObjectClass } from "../objects/shard-object.ts";
import type { Binding } from "../objects/bindings.ts";
import type { Places } from "../objects/places.ts";
import type { CreateWorldParts } from "../objects/world-parts.ts";
import type { Log } from "../platform/log.ts";
import type { RoomUrl } from "../protocol/urls.ts";

/** A World or a shard, to which a request leads. */
export interface WorldTarget {
  readonly binding: Binding;
  /** Whether the request is not for clients, who use the same token for a World as for its rooms. */
  readonly isForOperators?: boolean;
  /** The credentials that the object checks itself. Default: those of rooms. */
  readonly kept?: readonly string[];
}
/**
 * Finds the World or the shard that a URL names. Undefined for other objects.
 * @throws RoomError `not_found` if there is no such World
 */
export type FindWorldTarget = (request: Request, url: RoomUrl) => WorldTarget | undefined;

/**
 * The option `world` of {@link createRooms}, made by `worlds` of `durable-rooms/worlds`. A Worker without it does not
 * contain the code of Worlds.
 */
export interface Worlds {
  /** The ids of the Worlds. Undefined if any id is allowed. */
  readonly ids: readonly string[] | undefined;
  /** Finds the World or the shard that a URL names. */
  readonly findTarget: FindWorldTarget;
  /** The operators of a service without `auth`. */
  readonly operators: Operators;
  /** Makes the parts of a room that belong to Worlds: its links to shards, and its listing. */
  readonly createParts: CreateWorldParts;
  /** Finds the room that runs a World. @param now the clock, for tests */
  findWorld(find: FindRoom, log: Log, places: Places, now?: () => number): FindRoom;
  /** Makes the Durable Object classes of Worlds and shards. */
  classes(
    find: FindRoom,
    log: Log,
    places?: Places,
  ): { readonly WorldObject: RoomObjectClass; readonly ShardObject: ShardObjectClass };
}
