import type { Interest } from "./interest.ts";
import type { Key } from "./key-rules.ts";
import type { Watching } from "./view.ts";

/** A connection that a packet can be sent to. */
export interface Reachable extends Watching {
  deliver(text: string, latest?: string): void;
  readonly remote?: { readonly group: Group; readonly id: number } | undefined;
}

/** The connections at a shard. */
interface Group {
  /** Undefined if the shard does not know which of them see what. */
  readonly sights:
    | { knows(interest: Interest, key: string): boolean; haveKey(keys: readonly Key[]): boolean }
    | undefined;
  packet(
    text: string,
    except: readonly number[],
    to: { readonly entry?: readonly [name: string, key: string]; readonly keys: readonly Key[] },
    latest?: string,
  ): void;
}

/** The connections of a room. */
export interface AllConnections<V extends Reachable> {
  all(): readonly V[];
  readonly unopened: ReadonlySet<V>;
  readonly remoteGroups: ReadonlyMap<Group, unknown>;
}

/** The receivers of a packet. */
export interface Receivers<V> {
  /** The connections whose shard does not decide what they see. */
  readonly conns: ReadonlySet<V>;
  /** The entry that all of them see, if shards know who sees it. */
  readonly entry: { readonly interest: Interest; readonly key: string } | undefined;
  /** The keys of which all of them have one. */
  readonly keys: readonly Key[];
}

/** Sends a packet to some connections. A shard that knows which of its clients these are gets it once. */
export function sendToSome<V extends Reachable>(
  { remoteGroups, unopened }: AllConnections<V>,
  text: string,
  { conns, entry, keys }: Receivers<V>,
  except: ReadonlySet<V>,
  latest?: string,
): void {
  for (const conn of conns) if (!except.has(conn)) conn.deliver(text, latest);
  const place = entry && ([entry.interest.name, entry.key] as const);
  const others = [...new Set([...conns, ...except, ...unopened])];
  for (const group of remoteGroups.keys()) {
    const { sights } = group;
    if (!sights || !((entry && sights.knows(entry.interest, entry.key)) || sights.haveKey(keys))) continue;
    const apart = others.flatMap(({ remote }) => (remote?.group === group ? remote.id : []));
    group.packet(text, apart, place ? { entry: place, keys } : { keys }, latest);
  }
}
