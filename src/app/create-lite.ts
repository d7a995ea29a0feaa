import { createService, ROOM_OPTIONS } from "./service.ts";
import type { RoomsServiceConfig } from "./service.ts";

/**
 * Makes a service of room definitions without Worlds. It is like `createRooms` of `durable-rooms`, and makes the Worker
 * a quarter smaller.
 *
 * @throws Error that says what to do, if an option or a binding is missing or malformed
 * @example
 * import { createRooms } from "durable-rooms/lite";
 * const rooms = createRooms({ rooms: [gameRoom], auth: { secret: "AUTH_JWT_SECRET" } });
 * export class RoomObject extends rooms.RoomObject {}
 * export default rooms.app;
 */
export function createRooms(config: RoomsServiceConfig) {
  const { app, RoomObject } = createService(config, ROOM_OPTIONS);
  return { app, RoomObject };
}
