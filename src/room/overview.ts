import type { Connections } from "./connections/connections.ts";
import type { ShardLinks } from "./shards/shard-links.ts";
import type { Overview } from "../platform/metrics.ts";
import type { Schedules } from "./schedules.ts";
import type { Sessions } from "./sessions/sessions.ts";

/** What a room knows of who is in it. A payload of a schedule is not for everyone who may ask for numbers. */
export function overviewOf(
  connections: Connections,
  sessions: Sessions,
  schedules: Schedules,
  links: ShardLinks,
): Overview {
  return {
    connections: connections.size,
    users: connections.userCount,
    sessions: [...sessions.all()].length,
    schedules: schedules.list().map(({ name, at }) => ({ name, at })),
    shards: Array.from(links.all(), ({ shardId: id, size }) => ({ id, connections: size })),
  };
}
