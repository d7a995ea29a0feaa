import { objectName } from "../protocol/urls.ts";
import type { ListingReport, Worlds } from "../room/listing/report.ts";
import type { RoomHost } from "../world/room-host.ts";
import { ORIGIN } from "./neighbours.ts";

interface Namespace<T> {
  idFromName(name: string): unknown;
  get(id: unknown): T;
}

interface Bindings {
  readonly ROOMS: Namespace<{ listed(worldId: string): Promise<ListingReport | null> }>;
  readonly WORLDS?: Namespace<{ fetch(input: string, init?: RequestInit): Promise<Response> }>;
  readonly SHARD_SECRET?: string;
}

const NO_WORLDS = "This service has no Worlds: give createRooms a world, and wrangler.toml the binding WORLDS";

/** Tells a World of a room, as an outsider would have to: with the secret. */
export function createWorlds(env: object): Worlds {
  return {
    async report(worldId, place, report) {
      const { WORLDS: worlds, SHARD_SECRET: secret = "" } = env as Bindings;
      if (!worlds) return NO_WORLDS;
      // A new one each time: a stub that threw is broken.
      const world = worlds.get(worlds.idFromName(objectName("world", worldId)));
      const response = await world.fetch(`${ORIGIN}/parties/world/${encodeURIComponent(worldId)}/update-listing`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-access-shard": secret },
        body: JSON.stringify({ ...place, report }),
      });
      const answer = await response.text();
      if (response.ok) return undefined;
      const problem = `The World "${worldId}" answered ${response.status}: ${answer}`;
      if (response.status < 500) return problem;
      throw new Error(problem);
    },
  };
}

/** Asks rooms what a World is to say of them. */
export function createRoomHost(env: object): RoomHost {
  const { ROOMS: rooms } = env as Bindings;
  return {
    ask: async ({ party, roomId }, worldId) => rooms.get(rooms.idFromName(objectName(party, roomId))).listed(worldId),
  };
}
