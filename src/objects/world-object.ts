import type { FindRoom } from "../define/room.ts";
import { createLog } from "../platform/log.ts";
import type { WorldSettings } from "../world/settings.ts";
import { createWorld } from "../world/world-room.ts";
import { createRoomObject } from "./room-object.ts";
import type { RoomObjectClass } from "./room-object.ts";
import { createObservatory, createShardHost } from "./shards.ts";
import { createRoomHost } from "./worlds.ts";

/** Makes the Durable Object class of Worlds: each is a room, whose state is its registry. */
export function createWorldObject(find: FindRoom, settings: WorldSettings, log = createLog()): RoomObjectClass {
  const hosts = { shards: createShardHost, rooms: createRoomHost, observe: createObservatory };
  const room = createWorld({ settings, find, log, ...hosts });
  return createRoomObject((_party, id) => {
    const params = room.compiled.pattern.match(id);
    return params && { room, params };
  }, log);
}
