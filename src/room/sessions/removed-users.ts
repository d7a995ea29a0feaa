import type { Tree } from "../../state/tree.ts";
import type { Connections } from "../connections/connections.ts";
import type { Persistence } from "../storage/persistence.ts";
import type { Turns } from "../timing/turns.ts";
import type { Leavers, LeavingHooks } from "./leavers.ts";
import type { Presence } from "./presence.ts";
import type { Sessions } from "./sessions.ts";

/** The parts of the room that removed users need. */
export interface RemovedUsersScope {
  readonly tree: Tree;
  readonly connections: Connections;
  readonly sessions: Sessions;
  readonly persistence: Persistence;
  readonly presence: Presence;
  readonly leavers: Leavers;
  readonly hooks: LeavingHooks;
  readonly turns: Turns;
}

/** Users whose entries handlers removed from the state. */
export class RemovedUsers {
  readonly #scope: RemovedUsersScope;
  /** Those of this turn. They may be added again before it ends. */
  readonly #removed = new Map<string, object>();

  constructor(scope: RemovedUsersScope) {
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

  /** Their session is kept like that of any offline user. */
  #remove(publicId: string, user: object): void {
    const { connections, sessions, leavers } = this.#scope;
    const [conn] = connections.of(publicId);
    const session = conn && sessions.find(conn.sessionId);
    leavers.runOnLeave(publicId, user);
    leavers.dismiss(publicId, user);
    if (session?.publicId !== publicId || session.offlineSince !== undefined) return;
    if (conn?.hasActed) session.isIdle = undefined;
    sessions.offline(session);
  }
}
