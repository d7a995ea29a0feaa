import { createVerifier } from "../auth/verify.ts";
import type { AuthConfig } from "../auth/verify.ts";
import { assertBindings, ROOM_BINDINGS, WORLD_BINDINGS } from "../objects/bindings.ts";
import { createRoomObject } from "../objects/room-object.ts";
import { createApp } from "./app.ts";
import type { CorsOptions, WorldAccess } from "./app.ts";
import { createDirectory } from "./directory.ts";
import type { RoomsConfig } from "./directory.ts";

/** A service of rooms. */
export interface RoomsServiceConfig extends RoomsConfig {
  /** How tokens are checked. Without it nobody is authenticated, and no room can require it. */
  readonly auth?: AuthConfig;
  /** Options of `hono/cors`, or false. Default: any origin. */
  readonly cors?: CorsOptions | false;
}

/** The options that there are without Worlds. */
export const ROOM_OPTIONS: readonly string[] = ["rooms", "parties", "auth", "cors"];

/**
 * Makes what every service has, with Worlds or without.
 * @throws Error that says what to do, if an option or a binding is missing or malformed
 */
export function createService(config: RoomsServiceConfig, options: readonly string[], world?: WorldAccess) {
  for (const name of Object.keys(config)) {
    if (!options.includes(name))
      throw new Error(`createRooms: there is no option "${name}". Known: ${options.join(", ")}`);
  }
  const { find, all } = createDirectory(config);
  const closed = all.find((room) => room.compiled.settings.auth === "required");
  if (closed && !config.auth) {
    throw new Error(
      `createRooms: the room "${closed.path}" requires authentication. Add auth: { secret: "AUTH_JWT_SECRET" }`,
    );
  }
  assertBindings(world ? WORLD_BINDINGS : ROOM_BINDINGS);
  const verify = config.auth && createVerifier(config.auth);
  return {
    find,
    app: createApp({ find, verify, world, cors: config.cors ?? { origin: "*" } }),
    RoomObject: createRoomObject(find),
  };
}
