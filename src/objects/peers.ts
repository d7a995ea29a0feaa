import { fromRoom } from "../auth/internal.ts";
import type { FindRoom } from "../define/room.ts";
import type { RoomAddress } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";
import { isRoomId } from "../protocol/urls.ts";
import type { Shards } from "../relay/messages.ts";
import type { Worlds } from "../room/listing/report.ts";
import type { CalledRooms } from "../room/actions/room-calls.ts";
import type { OtherRooms } from "../room/transfers/messages.ts";
import type { Stubs } from "./bindings.ts";
import type { Places } from "./places.ts";

/** Ports through which a room reaches the other objects of its service. */

/** The origin in the URLs of requests between objects. */
const ORIGIN = "https://rooms.internal";

/** Makes the URL of a request from one object to another. @param path inside the object, with its leading "/" */
function internalUrl(party: string, id: string, path: string): string {
  return `${ORIGIN}/parties/${party}/${encodeURIComponent(id)}${path}`;
}

/** The answer of a World to a report. */
interface WorldAnswer {
  readonly ok: boolean;
  readonly status: number;
  readonly text: string;
}

/**
 * Sends a report to a World as an HTTP request with the secret of the service.
 * @returns undefined if the service has no Worlds
 */
export async function reportToWorld(
  places: Places,
  env: object,
  worldId: string,
  path: "/update-listing" | "/update-shard",
  report: object,
): Promise<WorldAnswer | undefined> {
  const { WORLDS: worlds, SHARD_SECRET: secret = "" } = env as {
    readonly WORLDS?: unknown;
    readonly SHARD_SECRET?: string;
  };
  if (!worlds) return undefined;
  const response = await places.stubOf(env, "WORLDS", "world", worldId).fetch(internalUrl("world", worldId, path), {
    method: "POST",
    headers: { "content-type": "application/json", "x-access-shard": secret },
    body: JSON.stringify(report),
  });
  return { ok: response.ok, status: response.status, text: await response.text() };
}

/** Calls another object, and keeps this one awake meanwhile. */
export type Reach = <T>(why: string, call: () => Promise<T>) => Promise<T>;

const NO_ROOM = "There is no such room";

/** Reaches the other rooms of a service. @param self the room that calls */
export function createOtherRooms(
  places: Places,
  env: object,
  self: RoomAddress,
  find: FindRoom,
  reach: Reach,
): OtherRooms & CalledRooms {
  const definitionOf = (room: RoomAddress) =>
    isRoomId(room.id) ? find(room.party, room.id)?.room.compiled : undefined;
  const ask = async <T>(room: RoomAddress, call: (stub: Stubs["ROOMS"]) => Promise<T>, wanted = definitionOf(room)) =>
    reach("room", async () => {
      if (!wanted || wanted !== definitionOf(room)) throw new RoomError("not_found", NO_ROOM);
      return call(places.stubOf(env, "ROOMS", room.party, room.id));
    });
  const inParty = (id: string): RoomAddress => ({ party: self.party, id });
  return {
    async board(roomId, user) {
      const room = inParty(roomId);
      if (!definitionOf(room)) return { ok: false, code: "not_found", message: NO_ROOM };
      return ask(room, (stub) => stub.board(user));
    },
    recall: (roomId, ...transfer) => ask(inParty(roomId), (stub) => stub.recall(...transfer)),
    arrived: (roomId, ...transfer) => ask(inParty(roomId), (stub) => stub.arrived(...transfer)),
    fetch: (room, path, init) =>
      ask(room, (stub) => stub.fetch(internalUrl(room.party, room.id, path), fromRoom(init, self))),
    call: (room, call, definition) => ask(room, (stub) => stub.call(call), definition),
  };
}

/** Reaches the shards of a room. */
export function createShards(places: Places, env: object): Shards {
  return {
    introduce: async (shardId, boot) => places.stubOf(env, "SHARDS", "shard", shardId).introduce(boot),
    deliver: async (shardId, batch) => places.stubOf(env, "SHARDS", "shard", shardId).deliver(batch),
  };
}

const NO_WORLDS =
  "This service has no Worlds. Add world: worlds() to createRooms, and the binding WORLDS to wrangler.toml";

/** Reaches the Worlds in which a room is listed. */
export function createWorlds(places: Places, env: object): Worlds {
  return {
    async report(worldId, place, report) {
      const answer = await reportToWorld(places, env, worldId, "/update-listing", { ...place, report });
      if (!answer) return NO_WORLDS;
      if (answer.ok) return undefined;
      const problem = `The World "${worldId}" answered ${answer.status}: ${answer.text}`;
      if (answer.status < 500) return problem;
      throw new Error(problem);
    },
  };
}
