import { createVerifier } from "../auth/verify.ts";
import type { AuthConfig } from "../auth/verify.ts";
import { assertBindings } from "../objects/bindings.ts";
import { createRoomObject } from "../objects/room-object.ts";
import { createApp } from "./app.ts";
import type { CorsOptions } from "./app.ts";
import { createDirectory } from "./directory.ts";
import type { RoomsConfig } from "./directory.ts";

export interface ServiceConfig extends RoomsConfig {
  /** How tokens are checked. Without it nobody is authenticated, and no room can require it. */
  readonly auth?: AuthConfig;
  /** Options of `hono/cors`, or false. Default: any origin. */
  readonly cors?: CorsOptions | false;
}

const OPTIONS: ReadonlySet<string> = new Set(["rooms", "parties", "auth", "cors"]);

/**
 * Makes a service of room definitions: the Hono app to export as the Worker, and the Durable Object classes.
 *
 * @throws Error that says what to do, if an option or a binding is missing or malformed
 * @example
 * import { createRooms } from "durable-rooms";
 * const rooms = createRooms({ rooms: [gameRoom], auth: { secret: "AUTH_JWT_SECRET" } });
 * export class RoomObject extends rooms.RoomObject {}
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
  assertBindings();
  const verify = config.auth && createVerifier(config.auth);
  return {
    app: createApp({ find, verify, cors: config.cors ?? { origin: "*" } }),
    RoomObject: createRoomObject(find),
  };
}
