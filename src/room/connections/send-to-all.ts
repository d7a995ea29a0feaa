import type { Key } from "../../state/key-rules.ts";
import { NO_KEYS, seersOf } from "../../state/seers.ts";
import type { Tree } from "../../state/tree.ts";
import type { RoomConnection } from "./connection.ts";
import type { Connections } from "./connections.ts";

const NOBODY: ReadonlySet<RoomConnection> = new Set();

/** Sends a packet to all connections except some. Each remote group gets it once for all of its connections. */
export function sendToAll(connections: Connections, text: string, except = NOBODY, latest?: string): void {
  for (const conn of connections.direct) if (!except.has(conn)) conn.deliver(text, latest);
  // A connection that waits for its first packet gets this one separately, after the first one.
  const others = [...connections.unopened.union(except)];
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

/**
 * Sends a packet to the connections that see an entry, or that have one of some keys.
 * @throws Error if the entry is not part of the state, or there are keys, but no collection has any
 */
export function sendToSeers(
  connections: Connections,
  tree: Tree,
  text: string,
  to: { readonly near?: object; readonly keys?: Key | readonly Key[] },
  except = NOBODY,
  latest?: string,
): void {
  if (tree.crowd) return tree.crowd.send(connections, text, to, except, latest);
  if ("keys" in to) throw new Error(NO_KEYS);
  const conns = seersOf(tree, connections.all(), to.near as object);
  for (const conn of conns) if (!except.has(conn)) conn.deliver(text, latest);
}
