import type { AnyRoom } from "../define/room.ts";
import { Client } from "./client.ts";
import { FoundDestination } from "./found-destination.ts";
import type { ConnectOptions, WorldOptions } from "./options.ts";
import { roomDestination } from "./destination.ts";
import type { RoomClient } from "./room-client.ts";
import { WorldDestination } from "./world-destination.ts";

/**
 * Connects to a room. The client reconnects by itself, with growing delays, unless the room refused it with a close
 * code 44xx. Use {@link connectWorld} for rooms with shards.
 *
 * @returns the client. It connects in the background: `status` and the event `error` tell how that goes
 * @throws TypeError if `host` is missing, if `id` is not valid, or if `transferToken` is given without `id` or `storage`
 * @example
 * import { connectRoom } from "durable-rooms/client";
 * import type { gameRoom } from "./worker";
 * const game = connectRoom<typeof gameRoom>({ host: location.host, room: "game-1", token: async () => jwt });
 * game.emit("move", { x: 1, y: 2 });
 * game.subscribe((state) => render(state));
 */
export function connectRoom<R extends AnyRoom>(options: ConnectOptions<R>): RoomClient<R> {
  const { party = "main", room } = options;
  const destination =
    room && typeof room === "string" ? roomDestination(party, room) : new FoundDestination(party, room);
  return new Client(destination, options) as unknown as RoomClient<R>;
}

/**
 * Connects to a room through a World, which assigns the client to a shard of the room. Otherwise it works as {@link
 * connectRoom}. The session is the same at every shard. If a shard is gone, full or unreachable, the client asks the
 * World for another one.
 *
 * @example
 * import { connectWorld } from "durable-rooms/client";
 * import type { gameRoom } from "./worker";
 * const game = connectWorld<typeof gameRoom>({ host: location.host, room: "game-1" });
 */
export function connectWorld<R extends AnyRoom>(options: WorldOptions<R>): RoomClient<R> {
  const destination = new WorldDestination(options);
  return new Client(destination, options) as unknown as RoomClient<R>;
}
