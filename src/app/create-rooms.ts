import { missingSettings } from "../objects/runtime.ts";
import type { Build } from "../protocol/build.ts";
import { createInDevelopment, createInTests } from "./broken.ts";
import { createService } from "./service.ts";
import type { ServiceConfig } from "./service-config.ts";
import type { Worlds } from "./worlds.ts";

/** The result of {@link createRooms} without Worlds. */
export type RoomsService = Pick<ReturnType<typeof createService>, "app" | "RoomObject">;
/** The result of {@link createRooms} with Worlds. */
export type WorldsService = RoomsService & ReturnType<Worlds["classes"]>;

/**
 * Makes a service from room definitions: `app`, the Hono app to export as the Worker, and `RoomObject`, the Durable
 * Object class. With Worlds there are also the classes `WorldObject` and `ShardObject`: see `worlds` of
 * `durable-rooms/worlds`.
 *
 * @throws Error that names the Durable Object bindings that are missing. In tests it also checks the options, and says
 * what to write. In development it does not throw: each request answers with the error
 * @example
 * import { createRooms, jwt } from "durable-rooms";
 * const rooms = createRooms({ rooms: [gameRoom], auth: jwt({ secret: "AUTH_JWT_SECRET" }) });
 * export class RoomObject extends rooms.RoomObject {}
 * export default rooms.app;
 */
export function createRooms(config: ServiceConfig & { readonly world: Worlds }): WorldsService;
export function createRooms(config: ServiceConfig): RoomsService;
export function createRooms(config: ServiceConfig): RoomsService | WorldsService {
  if ((globalThis as Build).process?.env?.NODE_ENV !== "production") {
    const isDevelopment = (globalThis as Build).process?.env?.NODE_ENV === "development";
    return isDevelopment ? createInDevelopment(() => create(config)) : createInTests(() => create(config));
  }
  return create(config);
}

function create(config: ServiceConfig): RoomsService | WorldsService {
  const { world, inspector } = config;
  const { find, log, places, app, RoomObject } = createService(config);
  const missing = missingSettings();
  if (missing.length > 0)
    log({ level: "warn", event: "settings_missing", hint: `wrangler.toml needs ${missing.join(", ")}` });
  if (!world) return { app, RoomObject };
  const { WorldObject, ShardObject } = world.classes(find, log, places);
  if (!inspector) return { app, RoomObject, WorldObject, ShardObject };
  return { app, RoomObject, WorldObject: inspector.room(WorldObject), ShardObject: inspector.shard(ShardObject) };
}
