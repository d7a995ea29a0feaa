import type { PrivateChanges } from "../../relay/messages.ts";
import type { Crowd } from "../../state/crowd.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { RemoteGroup } from "../connections/remote-group.ts";
import { groupsOf } from "./views.ts";
import type { ViewerGroup } from "./views.ts";

/** The changes that connections of a shard get in addition to the changes for everyone. */
export function remoteChanges(
  group: RemoteGroup,
  all: readonly RoomConnection[],
  viewerGroups: readonly ViewerGroup[],
  crowd: Crowd | undefined,
): PrivateChanges[] {
  const isHere = ({ remote }: RoomConnection) => remote?.group === group;
  // A shard that computes visibility itself gets the changes once.
  if (!crowd || (group.sights && crowd.isToldBy(group.sights))) {
    const groups = viewerGroups.map(({ changes, conns }) => ({ ids: idsOf(conns.filter(isHere)), changes }));
    return groups.filter(({ ids }) => ids.length > 0);
  }
  const groupOf = groupsOf(viewerGroups);
  const here = all.filter((conn) => isHere(conn) && conn.phase === "open");
  const each = here.map((conn) => ({
    ids: idsOf([conn]),
    changes: [...crowd.placed(conn, crowd.partsOf(conn)), ...(groupOf.get(conn)?.changes ?? [])],
  }));
  return each.filter(({ changes }) => changes.length > 0);
}

function idsOf(conns: readonly RoomConnection[]): number[] {
  return conns.flatMap(({ remote }) => remote?.id ?? []);
}
