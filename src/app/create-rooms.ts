import { createVerifier } from "../auth/verify.ts";
import type { AuthConfig } from "../auth/verify.ts";
import { assertBindings, ROOM_BINDINGS, WORLD_BINDINGS } from "../objects/bindings.ts";
import { createRoomObject } from "../objects/room-object.ts";
import { createShardObject } from "../objects/shard-object.ts";
import { createWorldObject } from "../objects/world-object.ts";
import { checkWorldConfig } from "../world/settings.ts";
import type { WorldConfig } from "../world/settings.ts";
import { createApp } from "./app.ts";
import type { CorsOptions } from "./app.ts";
import { createDirectory } from "./directory.ts";
import type { RoomsConfig } from "./directory.ts";

export interface ServiceConfig extends RoomsConfig {
  /** How tokens are checked. Without it nobody is authenticated, and no room can require it. */
  readonly auth?: AuthConfig;
  /** Worlds, which spread the clients of a room over shards. Without it there are none. */
  readonly world?: WorldConfig;
  /** Options of `hono/cors`, or false. Default: any origin. */
  readonly cors?: CorsOptions | false;
}

const OPTIONS: ReadonlySet<string> = new Set(["rooms", "parties", "auth", "world", "cors"]);

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
  for (const name of Object.keys(config)) {
    if (!OPTIONS.has(name))
      throw new Error(`createRooms: there is no option "${name}". Known: ${[...OPTIONS].join(", ")}`);
  }
  const { find, all } = createDirectory(config);
  const closed = all.find((room) => room.compiled.settings.auth === "required");
  if (closed && !config.auth) {
    throw new Error(
      `createRooms: the room "${closed.path}" requires authentication. Add auth: { secret: "AUTH_JWT_SECRET" }`,
    );
  }
  assertBindings(config.world ? WORLD_BINDINGS : ROOM_BINDINGS);
  const settings = checkWorldConfig(config.world ?? {});
  const verify = config.auth && createVerifier(config.auth);
  const world = config.world && { ids: settings.ids, verify: createVerifier({ secret: operatorSecret(config.auth) }) };
  return {
    app: createApp({ find, verify, world, cors: config.cors ?? { origin: "*" } }),
    RoomObject: createRoomObject(find),
    WorldObject: createWorldObject(find, settings),
    ShardObject: createShardObject(find),
  };
}

/** Operators' tokens are signed with a shared secret, also where those of users come from somewhere else. */
function operatorSecret(auth: AuthConfig | undefined): string {
  return auth && "secret" in auth ? auth.secret : "AUTH_JWT_SECRET";
}
