import type { FindRoom } from "../define/room.ts";
import type { WorldSettings } from "../world/settings.ts";
import { createWorld } from "../world/world-room.ts";
import { createRoomObject } from "./room-object.ts";
import type { RoomObjectBase } from "./room-object.ts";
import { createShardHost } from "./shards.ts";
import { createRoomHost } from "./worlds.ts";

/** Makes the Durable Object class of Worlds: each is a room, whose state is its registry. */
export function createWorldObject(
  find: FindRoom,
  settings: WorldSettings,
): new (ctx: DurableObjectState, env: Cloudflare.Env) => RoomObjectBase {
  const room = createWorld({ settings, find, shards: createShardHost, rooms: createRoomHost });
  return createRoomObject((_party, id) => {
    const params = room.compiled.pattern.match(id);
    return params && { room, params };
  });
}
