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

/** How long connections stay open whose user left, in ms: what handlers still send, as the token of a transfer, arrives. */
const GRACE = 1000;
/** So many such connections may stay open: of more, the oldest is closed. */
const MOST_LEFT = 1000;

/** What it takes to end connections. */
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
 * Connections whose user went to another room, or was removed. They get nothing more of the room. Clients of protocol 2
 * are closed; one of protocol 1 would connect again at once, and call its user back, so its socket stays, and is silent.
 */
export class Leavers {
  readonly #scope: LeaversScope;
  /** Users who were removed in this turn. They may be put back before it ends. */
  readonly #removed = new Map<string, object>();

  constructor(scope: LeaversScope) {
    this.#scope = scope;
  }

  /** An entry was taken out of the users. Unless it is put back in this turn, its user is not here any more. */
  removed(publicId: string, user: object): void {
    if (this.#scope.tree.loading) return;
    if (this.#removed.size === 0) this.#scope.turns.first(() => this.settle());
    this.#removed.set(publicId, user);
  }

  /** Ends what users have who were removed. Before changes are sent, since they do not get those of this turn. */
  settle(): void {
    const removed = [...this.#removed].filter(([publicId]) => !this.#scope.tree.users?.get(publicId));
    this.#removed.clear();
    const here = removed.filter(([publicId]) => this.#scope.connections.countOf(publicId) > 0);
    if (removed.length > here.length) this.#forgetAway(new Map(removed));
    // First, since what shards are told of it outlives the memory of the room.
    if (here.length > 0) this.#scope.persistence.save();
    for (const [publicId, user] of here) this.#remove(publicId, user);
  }

  /** Users who are away and were removed do not come back as who they were. Those who are on the way are expected. */
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

  /** Deletes all that is stored of a user, and ends what they have. */
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

  /** A handler removed a user. Their session is kept like that of anybody who is away. */
  #remove(publicId: string, user: object): void {
    const [conn] = this.#scope.connections.of(publicId);
    const session = conn && this.#scope.sessions.find(conn.sessionId);
    this.#runOnLeave(publicId, user);
    this.dismiss(publicId, user);
    if (session?.publicId !== publicId || session.offlineSince !== undefined) return;
    if (conn?.hasActed) session.isIdle = undefined;
    this.#scope.sessions.offline(session);
  }

  /** Runs `onLeave` for a user who is removed, unless their `onJoin` is not done. */
  #runOnLeave(publicId: string, user: object | undefined): void {
    const { connections, hooks } = this.#scope;
    const [conn] = connections.isOnline(publicId) ? connections.of(publicId) : [];
    if (conn) hooks.leave(conn, user, "kicked");
  }

  /** A user left. @param user as they were: `interceptorPacket` gets them with what is still sent to their connections */
  dismiss(publicId: string, user: object | undefined): void {
    for (const conn of Array.from(this.#scope.connections.of(publicId))) this.take(conn, user);
  }

  /** The user of one connection is not here any more. */
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
