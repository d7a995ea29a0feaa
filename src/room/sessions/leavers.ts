import type { ExpireReason, LeaveReason } from "../../define/types.ts";
import { noLongerHere } from "../../protocol/errors.ts";
import type { Tree } from "../../state/tree.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import type { Clock } from "../../platform/ports.ts";
import type { Persistence } from "../storage/persistence.ts";
import type { Turns } from "../timing/turns.ts";
import type { Presence } from "./presence.ts";
import type { Session, Sessions } from "./sessions.ts";

/**
 * How long connections of a user who left stay open, in ms, so that handlers can still send packets, such as a transfer
 * token.
 */
const GRACE = 1000;
/** The maximum number of such connections. Beyond it, the oldest is closed. */
const MOST_LEFT = 1000;

/** The parts of the room that ending connections needs. */
export interface LeaversScope {
  readonly tree: Tree;
  readonly connections: Connections;
  readonly sessions: Sessions;
  readonly persistence: Persistence;
  readonly presence: Presence;
  readonly transfers: { forget(publicId: string, session: Session | undefined): void };
  readonly quarantine: { deleteOf(publicId: string, row: string | undefined): void };
  readonly hooks: {
    leave(conn: RoomConnection, user: object | undefined, reason: LeaveReason): void;
    expire(publicId: string, user: object | undefined, reason: ExpireReason): unknown;
  };
  readonly clock: Clock;
  readonly turns: Turns;
}

/**
 * Connections whose user moved to another room or was removed. They get no more packets of the room. Clients of
 * protocol 2 are closed. A client of protocol 1 would reconnect at once and recall its user, so its socket stays open
 * without packets.
 */
export class Leavers {
  readonly #scope: LeaversScope;
  /** Users that were removed in this turn. They may be added again before it ends. */
  readonly #removed = new Map<string, object>();

  constructor(scope: LeaversScope) {
    this.#scope = scope;
  }

  /** An entry was removed from the users. Unless it is added again in this turn, its user is no longer here. */
  removed(publicId: string, user: object): void {
    if (this.#scope.tree.loading) return;
    if (this.#removed.size === 0) this.#scope.turns.first(() => this.settle());
    this.#removed.set(publicId, user);
  }

  /**
   * Ends the connections of removed users. This happens before changes are sent, since they do not get those of this
   * turn.
   */
  settle(): void {
    const removed = [...this.#removed].filter(([publicId]) => !this.#scope.tree.users?.get(publicId));
    this.#removed.clear();
    const here = removed.filter(([publicId]) => this.#scope.connections.countOf(publicId) > 0);
    if (removed.length > here.length) this.#forgetAway(new Map(removed));
    // First, since the messages to shards about it outlive the memory of the room.
    if (here.length > 0) this.#scope.persistence.save();
    for (const [publicId, user] of here) this.#remove(publicId, user);
  }

  /** Offline users that were removed cannot resume. Users in transfer are still expected. */
  #forgetAway(removed: ReadonlyMap<string, object>): void {
    const { sessions, presence, hooks } = this.#scope;
    for (const session of sessions.all()) {
      const isHere = presence.isOnline(session) || session.isJoining;
      const isAway = !isHere && !session.leaving && session.expectedUntil === undefined;
      if (!isAway || !removed.has(session.publicId)) continue;
      sessions.remove(session);
      void hooks.expire(session.publicId, removed.get(session.publicId), "removal");
    }
  }

  /** Deletes everything that is stored of a user, and ends their connections. */
  forget(publicId: string): void {
    const { sessions, presence, transfers, persistence, hooks, quarantine } = this.#scope;
    const user = presence.user(publicId);
    const own = [...sessions.all()].filter((session) => session.publicId === publicId);
    this.#runOnLeave(publicId, user);
    if (own.length > 0) void hooks.expire(publicId, user, "removal");
    for (const session of own) transfers.forget(publicId, session);
    transfers.forget(publicId, undefined);
    presence.putBack(publicId, undefined);
    quarantine.deleteOf(publicId, presence.hasUsers ? presence.rowOf(publicId) : undefined);
    persistence.save();
  }

  /** A handler removed a user. Their session is kept like that of any offline user. */
  #remove(publicId: string, user: object): void {
    const [conn] = this.#scope.connections.of(publicId);
    const session = conn && this.#scope.sessions.find(conn.sessionId);
    this.#runOnLeave(publicId, user);
    this.dismiss(publicId, user);
    if (session?.publicId !== publicId || session.offlineSince !== undefined) return;
    if (conn?.hasActed) session.isIdle = undefined;
    this.#scope.sessions.offline(session);
  }

  /** Runs `onLeave` for a removed user, unless their `onJoin` is not done. */
  #runOnLeave(publicId: string, user: object | undefined): void {
    const { connections, hooks } = this.#scope;
    const [conn] = connections.isOnline(publicId) ? connections.of(publicId) : [];
    if (conn) hooks.leave(conn, user, "kicked");
  }

  /** A user left. @param user the former entry, which `interceptorPacket` gets with the remaining packets */
  dismiss(publicId: string, user: object | undefined): void {
    for (const conn of Array.from(this.#scope.connections.of(publicId))) this.take(conn, user);
  }

  /** The user of a connection is no longer here. */
  take(conn: RoomConnection, user?: object): void {
    this.#scope.connections.dismiss(conn);
    conn.leave(user);
    if (conn.protocol !== 1) this.#closeLater(conn);
    const [oldest] = this.#scope.connections.left.values();
    if (oldest && this.#scope.connections.left.size > MOST_LEFT) oldest.refuse(noLongerHere());
  }

  #closeLater(conn: RoomConnection): void {
    const close = () => (conn.isBusy ? this.#closeLater(conn) : conn.refuse(noLongerHere()));
    this.#scope.clock.after(GRACE, close, "leaver");
  }
}
