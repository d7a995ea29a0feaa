import type { RoomConnection } from "../room/connections/connection.ts";
import type { RoomCore } from "../room/room.ts";
import type { Session } from "../room/sessions/sessions.ts";
import { firstOf } from "./part.ts";
import { hide } from "../platform/private.ts";
import type { IsPrivate } from "../platform/private.ts";
import type { Crowd } from "../state/crowd.ts";
import { treeOf } from "./tree.ts";
import type { Part, RoomInspection, Search, SessionView, SightView } from "./types.ts";

/** Entries that are named of those that somebody sees. */
const MOST_SEEN = 20;

const EVERYTHING: Search = { field: "", user: "" };

/** What is inside a room, without what is private to its clients. It changes nothing. */
export function inspectRoom(
  core: RoomCore,
  isPrivate: IsPrivate,
  { field, user }: Search = EVERYTHING,
): Omit<RoomInspection, "metrics" | "packets"> {
  const { schedules } = core.handle;
  const isMeant = ({ publicId }: { readonly publicId: string }) => publicId.toLowerCase().includes(user.toLowerCase());
  const connections = (core.handle.connections as readonly RoomConnection[]).filter(isMeant);
  const counts = new Map<string, number>();
  for (const { publicId } of connections) counts.set(publicId, (counts.get(publicId) ?? 0) + 1);
  return {
    path: core.compiled.definition.path,
    state: treeOf("state", core.state, isPrivate, field),
    sessions: firstOf(latestFirst([...core.sessions.all()].filter(isMeant)), (session) => view(session, counts)),
    connections: firstOf(connections, ({ id, publicId, isRemote, protocol }) => ({ id, publicId, isRemote, protocol })),
    ...(core.tree.crowd && { sights: sightsOf(core.tree.crowd, connections, isPrivate) }),
    schedules: firstOf(schedules, ({ name, key, at, payload }) => ({
      name: key === undefined ? name : `${name} (${key})`,
      at,
      payload: treeOf("payload", payload, isPrivate),
    })),
  };
}

/** Who sees whom, and why. */
function sightsOf({ interests }: Crowd, connections: readonly RoomConnection[], isPrivate: IsPrivate): Part<SightView> {
  const pairs = connections.flatMap((conn) => interests.map((interest) => ({ conn, interest })));
  return firstOf(pairs, ({ conn, interest }) => {
    const { looks, entries } = interest.describe(conn) ?? {
      looks: conn.isRemote ? "its shard knows" : "waits for its first packet",
      entries: [],
    };
    return {
      connection: conn.id,
      publicId: conn.publicId,
      collection: interest.names().join("."),
      looks: hide(looks, isPrivate),
      sees: firstOf(entries, ([key, why]) => hide(`${key} (${why})`, isPrivate), MOST_SEEN),
    };
  });
}

/** Those who are online, then those who left last. */
function latestFirst(sessions: readonly Session[]): Session[] {
  return sessions.toSorted((a, b) => (b.offlineSince ?? Infinity) - (a.offlineSince ?? Infinity) || 0);
}

function view(
  { publicId, offlineSince, leaving, expectedUntil }: Session,
  counts: ReadonlyMap<string, number>,
): SessionView {
  return { publicId, connections: counts.get(publicId) ?? 0, offlineSince, leavingTo: leaving?.to, expectedUntil };
}
