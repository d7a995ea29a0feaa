import type { ExpireReason, LeaveReason } from "../../define/types.ts";
import { noLongerHere } from "../../protocol/errors.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import type { Clock } from "../../platform/ports.ts";
import type { Persistence } from "../storage/persistence.ts";
import type { Presence } from "./presence.ts";
import type { Session, Sessions } from "./sessions.ts";

/**
 * How long connections of a user who left stay open, in ms, so that handlers can still send packets, such as a transfer
 * token.
 */
const GRACE = 1000;
/** The maximum number of such connections. Beyond it, the oldest is closed. */
const MOST_LEFT = 1000;

/** The hooks for users who leave. */
export interface LeavingHooks {
  leave(conn: RoomConnection, user: object | undefined, reason: LeaveReason): void;
  expire(publicId: string, user: object | undefined, reason: ExpireReason): unknown;
}

/** The parts of the room that ending connections needs. */
export interface LeaversScope {
  readonly connections: Connections;
  readonly sessions: Sessions;
  readonly persistence: Persistence;
  readonly presence: Presence;
  readonly transfers: { forget(publicId: string, session: Session | undefined): void };
  readonly quarantine: { deleteOf(publicId: string, row: string | undefined): void };
  readonly hooks: LeavingHooks;
  readonly clock: Clock;
}

/**
 * Connections whose user moved to another room or was removed. They get no more packets of the room. Clients of
 * protocol 2 are closed. A client of protocol 1 would reconnect at once and recall its user, so its socket stays open
 * without packets.
 */
export class Leavers {
  readonly #scope: LeaversScope;

  constructor(scope: LeaversScope) {
    this.#scope = scope;
  }

  /** Deletes everything that is stored of a user, and ends their connections. */
  forget(publicId: string): void {
    const { sessions, presence, transfers, persistence, hooks, quarantine } = this.#scope;
    const user = presence.user(publicId);
    const own = [...sessions.all()].filter((session) => session.publicId === publicId);
    this.runOnLeave(publicId, user);
    if (own.length > 0) void hooks.expire(publicId, user, "removal");
    for (const session of own) {
      sessions.remove(session);
      presence.expire(session);
      transfers.forget(publicId, session);
    }
    transfers.forget(publicId, undefined);
    presence.putBack(publicId, undefined);
    quarantine.deleteOf(publicId, presence.hasUsers ? presence.rowOf(publicId) : undefined);
    persistence.save();
  }

  /** Runs `onLeave` for a removed user, unless their `onJoin` is not done. */
  runOnLeave(publicId: string, user: object | undefined): void {
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
