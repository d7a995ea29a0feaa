import type { RemoteGroup } from "./remote-group.ts";
import type { RoomConnection } from "./connection.ts";
import type { RoomPart } from "../timing/room-part.ts";
import type { RoomSocket } from "./remote-group.ts";
import { addTo, removeFrom } from "../../state/sets-by-key.ts";

/** With `"auto"`, a packet waits this long for each receiving client, in ms. */
const WAIT_PER_VIEWER = 0.05;
/** The same for each shard. A call costs more than a frame, and is billed as twenty. */
const WAIT_PER_SHARD = 3;
/** The longest time for the clients of one object: in rooms of 800 to 1,000, longer ones delay moves more than they save. */
const LONGEST_FOR_VIEWERS = 40;
const LONGEST_WAIT = 50;

/** The open connections of a room, by user and by destination of packets. */
export class Connections {
  readonly #bySocket = new Map<RoomSocket, RoomConnection>();
  /** The connections of each online user. */
  readonly #byUser = new Map<string, Set<RoomConnection>>();
  /** The same, including connections that are joining. */
  readonly #byViewer = new Map<string, Set<RoomConnection>>();
  readonly #direct = new Set<RoomConnection>();
  /** Direct connections whose clients called an action since the last packets, in this order. */
  readonly #acted = new Set<RoomConnection>();
  readonly #remoteGroups = new Map<RemoteGroup, number>();
  readonly #unopened = new Set<RoomConnection>();
  readonly #joining = new Set<RoomConnection>();
  /** Connections whose user left, by socket. They belong to no user, and get no packets for everyone. */
  readonly #left = new Map<RoomSocket, RoomConnection>();
  readonly #watchers: Required<Pick<RoomPart, "connectionsChanged">>[] = [];
  #list: readonly RoomConnection[] | undefined;
  /** Connections that are sent packets one by one: their sockets are local, or their packets are intercepted. */
  readonly direct: ReadonlySet<RoomConnection> = this.#direct;
  /** The groups of connections at shards, with their sizes. */
  readonly remoteGroups: ReadonlyMap<RemoteGroup, number> = this.#remoteGroups;
  /** Connections whose first packet has not been sent. */
  readonly unopened: ReadonlySet<RoomConnection> = this.#unopened;
  /** Connections whose user left, the oldest first. */
  readonly left: ReadonlyMap<RoomSocket, RoomConnection> = this.#left;
  /** Connections that are joining. Their users are not online yet. */
  readonly joining: ReadonlySet<RoomConnection> = this.#joining;
  /** Connections that were told that a sync packet follows. */
  readonly promised = new Set<RoomConnection>();
  /** Connections whose clients should be told the number of their last applied input. */
  readonly answered = new Map<RoomConnection, number>();

  /** A client calls an action. */
  acts(conn: RoomConnection): void {
    if (this.#direct.has(conn)) this.#acted.add(conn);
  }

  /**
   * The direct connections, in the order in which they are sent packets: those whose clients have waited longest for the
   * effects of an action are first. In a crowd of 800 the last packet arrives 10 ms after the first.
   */
  takeDirect(): Iterable<RoomConnection> {
    const order = this.#acted.union(this.#direct);
    this.#acted.clear();
    return order;
  }

  /** Registers parts to be notified when connections were added or removed. */
  register(...watchers: Required<Pick<RoomPart, "connectionsChanged">>[]): void {
    this.#watchers.push(...watchers);
  }

  get size(): number {
    return this.#bySocket.size;
  }

  /** How many distinct users are online. */
  get userCount(): number {
    return this.#byUser.size;
  }

  all(): readonly RoomConnection[] {
    return (this.#list ??= [...this.#bySocket.values()]);
  }

  /** How long a packet waits with `"auto"`, in ms. */
  get automaticWait(): number {
    // The most clients of one object: this room, or one of its shards.
    let widest = this.#direct.size;
    for (const { size } of this.#remoteGroups.keys()) widest = Math.max(widest, size);
    const forViewers = Math.min(widest * WAIT_PER_VIEWER, LONGEST_FOR_VIEWERS);
    const wait = Math.min(forViewers + this.#remoteGroups.size * WAIT_PER_SHARD, LONGEST_WAIT);
    return wait < 1 ? 0 : wait;
  }

  find(socket: RoomSocket): RoomConnection | undefined {
    return this.#bySocket.get(socket) ?? this.#left.get(socket);
  }

  /** The connections of a user, including those that are joining. */
  of(publicId: string): Iterable<RoomConnection> {
    return this.#byViewer.get(publicId) ?? [];
  }

  /** How many connections a user has. */
  countOf(publicId: string): number {
    return this.#byViewer.get(publicId)?.size ?? 0;
  }

  isOnline(publicId: string): boolean {
    return this.#byUser.has(publicId);
  }

  /** Whether a user is joining. */
  isJoining(publicId: string): boolean {
    return [...this.of(publicId)].some((conn) => this.#joining.has(conn));
  }

  add(socket: RoomSocket, conn: RoomConnection): void {
    this.#bySocket.set(socket, conn);
    const { phase } = conn;
    if (phase === "joining") this.#joining.add(conn);
    else this.#online(conn);
    addTo(this.#byViewer, conn.publicId, conn);
    const group = conn.remote?.group;
    if (group) this.#remoteGroups.set(group, (this.#remoteGroups.get(group) ?? 0) + 1);
    else this.#direct.add(conn);
    if (phase !== "open") this.#unopened.add(conn);
    this.changed();
  }

  /** The join of a connection is done. Its user is online. */
  joined(conn: RoomConnection): void {
    this.#joining.delete(conn);
    this.#online(conn);
    this.changed();
  }

  /** Spectators are not users. */
  #online(conn: RoomConnection): void {
    if (!conn.isSpectator) addTo(this.#byUser, conn.publicId, conn);
  }

  /** A connection waits for a packet with the changes that it missed. */
  waits(conn: RoomConnection): void {
    this.#unopened.add(conn);
  }

  /** The first packet of a connection was sent. */
  opened(conn: RoomConnection): void {
    this.#unopened.delete(conn);
  }

  /** The user of a connection left. From now on it is only found by its socket. */
  dismiss(conn: RoomConnection): void {
    this.remove(conn.socket, conn);
    this.#left.set(conn.socket, conn);
  }

  remove(socket: RoomSocket, conn: RoomConnection): void {
    this.#left.delete(socket);
    if (!this.#bySocket.delete(socket)) return;
    removeFrom(this.#byUser, conn.publicId, conn);
    removeFrom(this.#byViewer, conn.publicId, conn);
    const group = conn.remote?.group;
    if (group) {
      const left = (this.#remoteGroups.get(group) ?? 1) - 1;
      if (left > 0) this.#remoteGroups.set(group, left);
      else this.#remoteGroups.delete(group);
    }
    this.#direct.delete(conn);
    this.#acted.delete(conn);
    this.#unopened.delete(conn);
    this.#joining.delete(conn);
    this.promised.delete(conn);
    this.answered.delete(conn);
    conn.onRemoved?.(conn);
    this.changed();
  }

  /** Notifies the registered parts that connections were added or removed. */
  changed(): void {
    this.#list = undefined;
    for (const watcher of this.#watchers) watcher.connectionsChanged();
  }
}
