import type { WorldState } from "../world/state.ts";
import { firstOf } from "./part.ts";
import type { WorldInspection } from "./types.ts";

/** The maximum number of rooms, shards and listed rooms that are shown. */
export const MOST_PER_LIST = 500;

/** The rooms and shards of a World from its own state. No other object is asked. */
export function inspectWorld(state: WorldState): WorldInspection {
  const rooms = Object.values(state.rooms()).map((room) => room.info());
  const shards = Object.values(state.shards()).map((shard) => shard.info());
  const listed = Object.values(state.listings()).map((listing) => listing.info());
  return {
    rooms: firstOf(
      rooms.toSorted((a, b) => b.usedAt - a.usedAt),
      (room) => room,
      MOST_PER_LIST,
    ),
    shards: firstOf(
      shards.toSorted((a, b) => b.connections - a.connections),
      (shard) => shard,
      MOST_PER_LIST,
    ),
    listed: firstOf(
      listed.toSorted((a, b) => b.users - a.users),
      ({ party, roomId, users, maxUsers, locked }) => ({ party, roomId, users, maxUsers, locked }),
      MOST_PER_LIST,
    ),
  };
}
