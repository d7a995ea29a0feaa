import type { WorldState } from "../world/state.ts";
import { firstOf } from "./part.ts";
import type { WorldPlaces } from "./types.ts";

/** Of rooms, of shards and of listed rooms, those that are told at most. */
export const MOST_PLACES = 500;

/** What a World knows of its rooms and shards, by itself: nobody else is asked. */
export function placesOf(state: WorldState): WorldPlaces {
  const rooms = Object.values(state.rooms()).map((room) => room.info());
  const shards = Object.values(state.shards()).map((shard) => shard.info());
  const listed = Object.values(state.listings()).map((listing) => listing.info());
  return {
    rooms: firstOf(
      rooms.toSorted((a, b) => b.usedAt - a.usedAt),
      (room) => room,
      MOST_PLACES,
    ),
    shards: firstOf(
      shards.toSorted((a, b) => b.connections - a.connections),
      (shard) => shard,
      MOST_PLACES,
    ),
    listed: firstOf(
      listed.toSorted((a, b) => b.users - a.users),
      ({ party, roomId, users, maxUsers, locked }) => ({ party, roomId, users, maxUsers, locked }),
      MOST_PLACES,
    ),
  };
}
