import type { FindRoom } from "../define/room.ts";
import { createLog } from "../platform/log.ts";
import { ObjectReport } from "../platform/object-report.ts";
import type { Log } from "../platform/log.ts";
import type { MetricsHost, RoomHost, ShardHost } from "../world/hosts.ts";
import type { WorldSettings } from "../world/settings.ts";
import { createWorld } from "../world/world-room.ts";
import type { ListingPlace } from "../room/listing/report.ts";
import { PARTY } from "../world/assignment.ts";
import type { LocationHint } from "../world/assignment.ts";
import type { WorldParts } from "../world/world.ts";
import { ANYWHERE } from "./places.ts";
import type { Places } from "./places.ts";
import { createRoomObject } from "./room-object.ts";
import type { RoomObjectClass } from "./room-object.ts";

/** Makes the Durable Object class of Worlds. */
export function createWorldObject(
  find: FindRoom,
  settings: WorldSettings,
  log = createLog(),
  places = ANYWHERE,
): RoomObjectClass {
  return createRoomObject(createFindWorld(find, settings, log, places), {
    log,
    places,
    createReport: () => new ObjectReport(),
  });
}

/** Finds the room that runs a World. Its state is the registry. */
export function createFindWorld(
  find: FindRoom,
  settings: WorldSettings,
  log: Log,
  places: Places,
  now?: () => number,
): FindRoom {
  const room = createWorld({ settings, find, log, ...createHosts(places), ...(now && { now }) });
  return (_party, id) => {
    const params = room.compiled.pattern.match(id);
    return params && { room, params };
  };
}

/** How a World reaches rooms and shards with the bindings of its Worker. */
export function createHosts(places: Places): Pick<WorldParts, "shards" | "rooms" | "observe" | "jurisdictionOf"> {
  const room = (env: object, { party, roomId }: ListingPlace) => places.stubOf(env, "ROOMS", party, roomId);
  const shard = (env: object, id: string, hint?: LocationHint) => places.stubOf(env, "SHARDS", "shard", id, hint);
  return {
    jurisdictionOf: (roomId) => places.locate(PARTY, roomId).jurisdiction,
    shards: (env): ShardHost => ({
      async assign(assignment, hint) {
        const { party, roomId, shardId } = assignment;
        await shard(env, shardId, hint ?? places.locate(party, roomId).locationHint).assign(assignment);
      },
      retire: async (shardId) => shard(env, shardId).retire(),
    }),
    rooms: (env): RoomHost => ({ ask: async (place, worldId, isMade) => room(env, place).listed(worldId, isMade) }),
    observe: (env): MetricsHost => ({
      room: async (place) => room(env, place).metrics(),
      shard: async (shardId) => shard(env, shardId).metrics(),
    }),
  };
}
