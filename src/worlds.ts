import { createWorldTargets } from "./app/world-targets.ts";
import type { Worlds } from "./app/worlds.ts";
import { createOperators } from "./auth/operators.ts";
import { createShardObject } from "./objects/shard-object.ts";
import { createFindWorld, createWorldObject } from "./objects/world-object.ts";
import { createWorldParts } from "./objects/world-parts.ts";
import { matcherOf } from "./world/own-routes.ts";
import type { ListedRoom, WorldRequests, WorldView } from "./world/own-routes.ts";
import type { Build } from "./protocol/build.ts";
import { postponed } from "./protocol/postponed.ts";
import { checkWorldConfig } from "./world/settings.ts";
import type { WorldConfig, WorldSettings } from "./world/settings.ts";
import type { RoomInfo, ShardInfo } from "./world/state.ts";

/**
 * Worlds distribute the clients of a room over shards, and list rooms: the option `world` of `createRooms`. Use them
 * for rooms with more clients than one object can serve, and for lobbies.
 *
 * @param config options, all of them optional
 * @throws Error that names the option and says what to write, if an option is malformed
 * @example
 * import { createRooms, jwt } from "durable-rooms";
 * import { worlds } from "durable-rooms/worlds";
 * const rooms = createRooms({ rooms: [gameRoom], auth: jwt({ secret: "AUTH_JWT_SECRET" }), world: worlds() });
 * export class RoomObject extends rooms.RoomObject {}
 * export class WorldObject extends rooms.WorldObject {}
 * export class ShardObject extends rooms.ShardObject {}
 * export default rooms.app;
 */
export function worlds<R = Readonly<Record<string, unknown>>>(config: WorldConfig<R> = {}): Worlds {
  const isDevelopment = (globalThis as Build).process?.env?.NODE_ENV === "development";
  const create = () => createWorlds(checkWorldConfig(config as WorldConfig));
  return isDevelopment ? postponed(create) : create();
}

function createWorlds(settings: WorldSettings): Worlds {
  return {
    ids: settings.ids,
    findTarget: createWorldTargets(settings.ids, matcherOf(settings.requests ?? {})),
    operators: createOperators(),
    createParts: createWorldParts,
    findWorld: (find, log, places, now) => createFindWorld(find, settings, log, places, now),
    classes: (find, log, places) => ({
      WorldObject: createWorldObject(find, settings, log, places),
      ShardObject: createShardObject(find, log, places),
    }),
  };
}
export type { ListedRoom, RoomInfo, ShardInfo, WorldConfig, WorldRequests, Worlds, WorldView };
