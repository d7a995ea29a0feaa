import type { AnyRoom } from "../define/room.ts";
import { originOf } from "./address.ts";
import { Client } from "./client.ts";
import type { WorldOptions } from "./options.ts";
import type { RoomClient } from "./room-client.ts";
import { WorldDestination } from "./world-destination.ts";

/**
 * Connects to a room through a World, which gives out a shard of it. It is like {@link connectRoom} in all else: the
 * session is the same at every shard, and the World is asked for another shard when one is gone, full or out of reach.
 *
 * @example
 * import { connectWorld } from "durable-rooms/client";
 * import type { gameRoom } from "./worker";
 * const game = connectWorld<typeof gameRoom>({ host: location.host, room: "game-1" });
 */
export function connectWorld<R extends AnyRoom>(options: WorldOptions): RoomClient<R> {
  const place = new WorldDestination(originOf(options), options.worldId ?? "world-default", options.room);
  return new Client(place, options) as unknown as RoomClient<R>;
}
