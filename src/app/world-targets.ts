import { isUpgrade } from "../objects/handshake.ts";
import { RoomError } from "../protocol/errors.ts";
import type { RoomUrl } from "../protocol/urls.ts";
import type { FindWorldTarget } from "./worlds.ts";

/** The paths of a World that are for clients. */
const FOR_CLIENTS: ReadonlySet<string> = new Set(["/connect", "/find-room", "/list-rooms"]);

/**
 * Makes the function that finds Worlds and shards.
 * @param ids the ids of the Worlds. Undefined if any id is allowed
 * @param owns whether a request is for one of your own routes
 */
export function createWorldTargets(
  ids: readonly string[] | undefined,
  owns: (method: string, path: string) => boolean = () => false,
): FindWorldTarget {
  return (request: Request, { party, room, path }: RoomUrl) => {
    if (party === "shard") return { binding: "SHARDS" };
    if (party !== "world") return undefined;
    if (ids?.includes(room) === false) throw new RoomError("not_found", "There is no such World");
    const isForClients = FOR_CLIENTS.has(path) || (!isUpgrade(request) && owns(request.method, path));
    return { binding: "WORLDS", isForOperators: !isForClients, kept: ["x-access-shard"] };
  };
}
