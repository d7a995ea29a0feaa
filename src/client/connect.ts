import type { AnyRoom } from "../define/room.ts";
import { originOf } from "./address.ts";
import { Client } from "./client.ts";
import { FoundDestination } from "./found-destination.ts";
import type { ConnectOptions, WorldOptions } from "./options.ts";
import { roomDestination } from "./destination.ts";
import type { RoomClient } from "./room-client.ts";
import { WorldDestination } from "./world-destination.ts";

/**
 * Connects to a room, and stays connected: it reconnects by itself, unless the room refused it (44xx).
 *
 * @example
 * import { connectRoom } from "durable-rooms/client";
 * import type { gameRoom } from "./worker";
 * const game = connectRoom<typeof gameRoom>({ host: location.host, room: "game-1", token: async () => jwt });
 * game.emit("move", { x: 1, y: 2 });
 * game.subscribe((state) => render(state));
 */
export function connectRoom<R extends AnyRoom>(options: ConnectOptions<R>): RoomClient<R> {
  const { party = "main", room } = options;
  const destination = typeof room === "string" ? roomDestination(party, room) : new FoundDestination(party, room);
  return new Client(destination, options) as unknown as RoomClient<R>;
}

/**
 * Connects to a room through a World, which gives out a shard of it. It is like {@link connectRoom} in all else: the
 * session is the same at every shard, and the World is asked for another shard when one is gone, full or out of reach.
 *
 * @example
 * import { connectWorld } from "durable-rooms/client";
 * import type { gameRoom } from "./worker";
 * const game = connectWorld<typeof gameRoom>({ host: location.host, room: "game-1" });
 */
export function connectWorld<R extends AnyRoom>(options: WorldOptions<R>): RoomClient<R> {
  const destination = new WorldDestination(originOf(options), options.worldId ?? "world-default", options.room);
  return new Client(destination, options) as unknown as RoomClient<R>;
}
