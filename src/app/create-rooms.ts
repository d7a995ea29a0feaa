import { createShardObject } from "../objects/shard-object.ts";
import { createWorldObject } from "../objects/world-object.ts";
import { LiveShardLinks } from "../room/shards/live-shard-links.ts";
import { checkWorldConfig } from "../world/settings.ts";
import type { WorldConfig } from "../world/settings.ts";
import { createService, ROOM_OPTIONS } from "./service.ts";
import type { RoomsServiceConfig } from "./service.ts";

/** What {@link createRooms} takes: rooms, tokens, CORS, the log, and Worlds. */
export interface ServiceConfig extends RoomsServiceConfig {
  /** Options of Worlds, which spread the clients of a room over shards. Without this option there are no Worlds. */
  readonly world?: WorldConfig;
}

/**
 * Makes a service of room definitions: the Hono app to export as the Worker, and the Durable Object classes.
 *
 * @throws Error that says what to do, if an option or a binding is missing or malformed
 * @example
 * import { createRooms } from "durable-rooms";
 * const rooms = createRooms({ rooms: [gameRoom], auth: { secret: "AUTH_JWT_SECRET" }, world: {} });
 * export class RoomObject extends rooms.RoomObject {}
 * export class WorldObject extends rooms.WorldObject {}
 * export class ShardObject extends rooms.ShardObject {}
 * export default rooms.app;
 */
export function createRooms(config: ServiceConfig) {
  const settings = checkWorldConfig(config.world ?? {});
  const world = config.world && { ids: settings.ids };
  const { find, log, app, RoomObject } = createService(config, [...ROOM_OPTIONS, "world"], {
    world,
    createLinks: (scope) => new LiveShardLinks(scope),
  });
  const WorldObject = createWorldObject(find, settings, log);
  const ShardObject = createShardObject(find, log);
  const { inspector } = config;
  if (!inspector) return { app, RoomObject, WorldObject, ShardObject };
  return { app, RoomObject, WorldObject: inspector.room(WorldObject), ShardObject: inspector.shard(ShardObject) };
}
