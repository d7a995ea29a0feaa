import type { AnyRoom } from "../define/room.ts";
import { Client } from "./client.ts";
import { FoundDestination } from "./found-destination.ts";
import type { ConnectOptions } from "./options.ts";
import { roomDestination } from "./destination.ts";
import type { RoomClient } from "./room-client.ts";

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
export function connectRoom<R extends AnyRoom>(options: ConnectOptions): RoomClient<R> {
  const { party = "main", room } = options;
  const place = typeof room === "string" ? roomDestination(party, room) : new FoundDestination(party, room);
  return new Client(place, options) as unknown as RoomClient<R>;
}
