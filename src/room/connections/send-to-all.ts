import type { RoomConnection } from "./connection.ts";
import type { Connections } from "./connections.ts";

const NOBODY: ReadonlySet<RoomConnection> = new Set();

/** Sends a packet to all connections but some: to those that a branch holds, in one frame. */
export function sendToAll(connections: Connections, text: string, except = NOBODY): void {
  for (const conn of connections.direct) if (!except.has(conn)) conn.deliver(text);
  // Who has not had the first packet gets it after that, by itself.
  const others = [...new Set([...connections.unopened, ...except])];
  for (const branch of connections.branches) {
    const apart = others.filter(({ remote }) => remote?.branch === branch);
    branch.packet(
      text,
      apart.flatMap(({ remote }) => remote?.id ?? []),
    );
    for (const conn of apart) if (!except.has(conn)) conn.deliver(text);
  }
}
