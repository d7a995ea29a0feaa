import type { FindRoom } from "../define/room.ts";
import { createLog } from "../platform/log.ts";
import type { MetricsHost, RoomHost, ShardHost } from "../world/hosts.ts";
import type { WorldSettings } from "../world/settings.ts";
import { createWorld } from "../world/world-room.ts";
import { stubOf } from "./bindings.ts";
import { createRoomObject } from "./room-object.ts";
import type { RoomObjectClass } from "./room-object.ts";

/** Makes the Durable Object class of Worlds. Each World is a room whose state is the registry. */
export function createWorldObject(find: FindRoom, settings: WorldSettings, log = createLog()): RoomObjectClass {
  const hosts = { shards: createShardHost, rooms: createRoomHost, observe: createMetricsHost };
  const room = createWorld({ settings, find, log, ...hosts });
  return createRoomObject((_party, id) => {
    const params = room.compiled.pattern.match(id);
    return params && { room, params };
  }, log);
}

function createShardHost(env: object): ShardHost {
  return {
    assign: async (assignment, hint) => stubOf(env, "SHARDS", "shard", assignment.shardId, hint).assign(assignment),
    retire: async (shardId) => stubOf(env, "SHARDS", "shard", shardId).retire(),
  };
}

function createRoomHost(env: object): RoomHost {
  return { ask: async ({ party, roomId }, worldId) => stubOf(env, "ROOMS", party, roomId).listed(worldId) };
}

function createMetricsHost(env: object): MetricsHost {
  return {
    room: async ({ party, roomId }) => stubOf(env, "ROOMS", party, roomId).metrics(),
    shard: async (shardId) => stubOf(env, "SHARDS", "shard", shardId).metrics(),
  };
}
