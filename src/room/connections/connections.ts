import type { RemoteGroup } from "./remote-group.ts";
import type { RoomConnection } from "./connection.ts";
import type { RoomPart } from "../timing/room-part.ts";
import type { RoomSocket } from "./remote-group.ts";

/** The open connections of a room, in the groups in which they are told things. */
export class Connections {
  readonly #bySocket = new Map<RoomSocket, RoomConnection>();
  /** Those by which a user is online. */
  readonly #byUser = new Map<string, Set<RoomConnection>>();
  /** All that were made for a user, who may be gone. */
  readonly #byViewer = new Map<string, Set<RoomConnection>>();
  readonly #direct = new Set<RoomConnection>();
  readonly #branches = new Map<RemoteGroup, number>();
  readonly #unopened = new Set<RoomConnection>();
  readonly #watchers: Required<Pick<RoomPart, "connectionsChanged">>[] = [];
  #list: readonly RoomConnection[] | undefined;
  /** Those that are sent to one by one: held here, or intercepted. */
  readonly direct: ReadonlySet<RoomConnection> = this.#direct;
  /** Those that have not got their first packet. */
  readonly unopened: ReadonlySet<RoomConnection> = this.#unopened;

  /** These parts are told when a connection was added or removed. */
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

  get branches(): Iterable<RemoteGroup> {
    return this.#branches.keys();
  }

  get branchCount(): number {
    return this.#branches.size;
  }

  /** How many clients the object that has most of them sends to: this one, or a shard. */
  get widest(): number {
    let widest = this.#direct.size;
    for (const { size } of this.#branches.keys()) widest = Math.max(widest, size);
    return widest;
  }

  find(socket: RoomSocket): RoomConnection | undefined {
    return this.#bySocket.get(socket);
  }

  /** The connections of a user, also of one who is gone. */
  of(publicId: string): Iterable<RoomConnection> {
    return this.#byViewer.get(publicId) ?? [];
  }

  isOnline(publicId: string): boolean {
    return this.#byUser.has(publicId);
  }

  add(socket: RoomSocket, conn: RoomConnection): void {
    this.#bySocket.set(socket, conn);
    addTo(this.#byUser, conn);
    addTo(this.#byViewer, conn);
    const { branch } = conn.remote ?? {};
    if (branch) this.#branches.set(branch, (this.#branches.get(branch) ?? 0) + 1);
    else this.#direct.add(conn);
    if (conn.phase !== "open") this.#unopened.add(conn);
    this.changed();
  }

  /** It got its first packet. */
  opened(conn: RoomConnection): void {
    this.#unopened.delete(conn);
  }

  /** The connections of a user are nobody's any more, though still open. */
  disown(publicId: string): void {
    this.#byUser.delete(publicId);
  }

  remove(socket: RoomSocket, conn: RoomConnection): void {
    if (!this.#bySocket.delete(socket)) return;
    removeFrom(this.#byUser, conn);
    removeFrom(this.#byViewer, conn);
    const { branch } = conn.remote ?? {};
    const left = branch ? (this.#branches.get(branch) ?? 1) - 1 : 0;
    if (branch && left > 0) this.#branches.set(branch, left);
    else if (branch) this.#branches.delete(branch);
    this.#direct.delete(conn);
    this.#unopened.delete(conn);
    this.changed();
  }

  /** Tells those who watch that connections were added or removed. */
  changed(): void {
    this.#list = undefined;
    for (const watcher of this.#watchers) watcher.connectionsChanged();
  }
}

function addTo(map: Map<string, Set<RoomConnection>>, conn: RoomConnection): void {
  const siblings = map.get(conn.publicId);
  if (siblings) siblings.add(conn);
  else map.set(conn.publicId, new Set([conn]));
}

function removeFrom(map: Map<string, Set<RoomConnection>>, conn: RoomConnection): void {
  const siblings = map.get(conn.publicId);
  siblings?.delete(conn);
  if (siblings?.size === 0) map.delete(conn.publicId);
}
