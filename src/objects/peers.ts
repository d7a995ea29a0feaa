import { RoomError } from "../protocol/errors.ts";
import type { Shards } from "../relay/messages.ts";
import type { Worlds } from "../room/listing/report.ts";
import type { OtherRooms } from "../room/transfers/messages.ts";
import { internalUrl, reportToWorld, stubOf } from "./bindings.ts";

/** Ports through which a room reaches the other objects of its service. */

/** Reaches the other rooms of a party. @param exists whether a definition serves a room id */
export function createOtherRooms(env: object, party: string, exists: (roomId: string) => boolean): OtherRooms {
  const roomOf = (roomId: string) => {
    if (!exists(roomId)) throw new RoomError("not_found", "There is no such room");
    return stubOf(env, "ROOMS", party, roomId);
  };
  return {
    async board(roomId, user) {
      if (!exists(roomId)) return { ok: false, code: "not_found", message: "There is no such room" };
      return roomOf(roomId).board(user);
    },
    recall: async (roomId, ...transfer) => roomOf(roomId).recall(...transfer),
    arrived: async (roomId, ...transfer) => roomOf(roomId).arrived(...transfer),
    fetch: async (roomId, path, init) => roomOf(roomId).fetch(internalUrl(party, roomId, path), init),
  };
}

/** Reaches the shards of a room. */
export function createShards(env: object): Shards {
  return {
    introduce: async (shardId, boot) => stubOf(env, "SHARDS", "shard", shardId).introduce(boot),
    deliver: async (shardId, batch) => stubOf(env, "SHARDS", "shard", shardId).deliver(batch),
  };
}

const NO_WORLDS = "This service has no Worlds: give createRooms a world, and wrangler.toml the binding WORLDS";

/** Reaches the Worlds in which a room is listed. */
export function createWorlds(env: object): Worlds {
  return {
    async report(worldId, place, report) {
      const answer = await reportToWorld(env, worldId, "/update-listing", { ...place, report });
      if (!answer) return NO_WORLDS;
      if (answer.ok) return undefined;
      const problem = `The World "${worldId}" answered ${answer.status}: ${answer.text}`;
      if (answer.status < 500) return problem;
      throw new Error(problem);
    },
  };
}
