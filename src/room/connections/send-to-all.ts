import type { RoomConnection } from "./connection.ts";
import type { Connections } from "./connections.ts";

const NOBODY: ReadonlySet<RoomConnection> = new Set();

/** Sends a packet to all connections except some. Each remote group gets it once for all of its connections. */
export function sendToAll(connections: Connections, text: string, except = NOBODY, latest?: string): void {
  for (const conn of connections.direct) if (!except.has(conn)) conn.deliver(text, latest);
  // A connection that waits for its first packet gets this one separately, after the first one.
  const others = [...new Set([...connections.unopened, ...except])];
  for (const group of connections.remoteGroups.keys()) {
    const apart = others.filter(({ remote }) => remote?.group === group);
    group.packet(
      text,
      apart.flatMap(({ remote }) => remote?.id ?? []),
      undefined,
      latest,
    );
    for (const conn of apart) if (!except.has(conn)) conn.deliver(text, latest);
  }
}
