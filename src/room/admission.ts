import type { CompiledRoom } from "../define/room.ts";
import type { Claims, GuardContext, GuardFor, RoomHandle } from "../define/types.ts";
import { RoomError, toRoomError } from "../protocol/errors.ts";
import type { Tree } from "../state/tree.ts";
import type { Alarms } from "./timing/alarms.ts";
import type { Broadcast } from "./sync/broadcast.ts";
import { RoomConnection } from "./connections/connection.ts";
import type { ConnectionHooks, ClientIdentity } from "./connections/connection.ts";
import type { Connections } from "./connections/connections.ts";
import { passes } from "./handlers/guards.ts";
import type { Hooks } from "./handlers/hooks.ts";
import type { Listing } from "./listing/listing.ts";
import type { RoomSocket } from "./connections/remote-group.ts";
import type { JoinRequest } from "./connections/join-request.ts";
import type { Presence } from "./sessions/presence.ts";
import type { Reporter } from "./handlers/reporter.ts";
import { subjectOf } from "./sessions/sessions.ts";
import type { Session, Sessions } from "./sessions/sessions.ts";
import type { SyncMode } from "./sync/sync-mode.ts";
import type { Ticker } from "./timing/ticker.ts";
import type { Transfers } from "./transfers/transfers.ts";
import type { Turns } from "./timing/turns.ts";
import type { Views } from "./sync/views.ts";

/** What letting clients in and out needs of the room. */
export interface AdmissionScope {
  readonly compiled: CompiledRoom;
  readonly state: object;
  readonly tree: Tree;
  readonly handle: RoomHandle;
  readonly turns: Turns;
  readonly connections: Connections;
  readonly sessions: Sessions;
  readonly presence: Presence;
  readonly transfers: Transfers;
  readonly hooks: Hooks;
  readonly reporter: Reporter;
  readonly broadcast: Broadcast;
  readonly views: Views;
  readonly mode: SyncMode;
  readonly alarms: Alarms;
  readonly listing: Listing;
  readonly ticker: Ticker | undefined;
}

/** Lets clients in, and notices when they leave. */
export class Admission {
  readonly #scope: AdmissionScope;
  readonly #hooks: ConnectionHooks;
  /** Connections whose `onJoin` is not done. */
  readonly #joining = new Map<RoomConnection, Promise<void>>();
  /** Whether nobody was ever here: then nothing is stored. */
  isNew = true;

  constructor(scope: AdmissionScope) {
    this.#scope = scope;
    this.#hooks = {
      onClosed: (conn, socket) => this.#left(socket, conn),
      intercept: scope.hooks.interceptor((conn) => scope.presence.user(conn.publicId)),
    };
  }

  /** Lets a client in, or refuses it: then its socket is accepted and closed with a code and a reason. */
  async connect(join: JoinRequest): Promise<void> {
    const { request, auth, sessionId, transferToken, accept, isGone = () => false, isBatched } = join;
    const { transfers, turns, presence, reporter, connections, alarms } = this.#scope;
    let socket: RoomSocket | undefined;
    // Rooms fill up in rushes: where nothing has to be waited for, a join is one turn, without promises and timers.
    try {
      const admission = this.#admit(auth, request);
      if (admission) await admission;
      // ClientIdentity is gone may be on the way to another room by now: nothing must call them back.
      if (isGone()) return;
      // Before the token is looked at: who comes back has the URL of their first arrival, whose token is spent.
      const recall = sessionId === undefined ? undefined : transfers.welcomeBack(sessionId);
      if (recall) await recall;
      if (isGone()) return;
      const id = transferToken === undefined ? sessionId : transfers.sessionOf(transferToken, sessionId);
      const joining = turns.enter(() => {
        const session = presence.enter(id ?? crypto.randomUUID(), subjectOf(auth));
        if (transferToken !== undefined) transfers.spend(transferToken);
        const { publicId, connState: state } = session;
        const who = { sessionId: session.id, publicId, auth, state, ...protocolOf(request.url) };
        return this.#join(this.#open((socket = accept()), who), request);
      });
      if (joining) {
        turns.endLater();
        await joining;
      }
    } catch (thrown) {
      const error = toRoomError(thrown);
      if (error.code === "internal") reporter.failed("connect_failed", thrown);
      else reporter.refused(error);
      const conn = socket && connections.find(socket);
      if (conn) conn.refuse(error);
      else {
        // Whoever was let in without a connection is not online.
        presence.dropGhosts();
        alarms.arm();
        RoomConnection.refuse(socket ?? accept(), error);
      }
    }
    if (isBatched) turns.endLater();
    else turns.end();
  }

  /** A client that was here before the room lost its memory. @param isOpen whether it got its first packet */
  recover(socket: RoomSocket, isOpen = true): void {
    const { connections, sessions, presence, views } = this.#scope;
    const conn = RoomConnection.recover(socket, this.#hooks, isOpen);
    if (!conn) return;
    connections.add(socket, conn);
    views.recall(conn);
    // Its user went to another room, or was removed: it may listen, but is nobody here.
    const session = sessions.find(conn.sessionId);
    if (session?.publicId === conn.publicId) presence.found(session);
    else connections.disown(conn.publicId);
  }

  /** Sends a client what it may have missed. */
  answer(socket: RoomSocket, text: string): void {
    this.#scope.connections.find(socket)?.answer(text);
  }

  /** A user goes to another room: tells the developer's hook. */
  tellLeaving(session: Session): void {
    const { connections, presence, hooks } = this.#scope;
    const conn = [...connections.of(session.publicId)].find((other) => other.sessionId === session.id);
    if (conn) hooks.leave(conn, presence.user(session.publicId));
  }

  /** @returns a promise if there are guards to wait for */
  #admit(auth: Claims | null, request: Request): Promise<void> | undefined {
    const { compiled, state, handle } = this.#scope;
    const { guards = [] } = compiled.definition;
    return guards.length === 0 ? undefined : this.#ask(guards, { conn: undefined, auth, request, state, room: handle });
  }

  async #ask(guards: readonly GuardFor<object>[], context: GuardContext<object>): Promise<void> {
    const verdict = await this.#scope.turns.run(() => passes(guards, context, undefined));
    if (verdict !== true) throw new RoomError("forbidden", "You may not enter this room");
  }

  #open(socket: RoomSocket, who: ClientIdentity): RoomConnection {
    const { connections, tree, ticker, listing } = this.#scope;
    const conn = RoomConnection.open(socket, who, this.#hooks);
    connections.add(socket, conn);
    listing.changed();
    if (this.isNew) tree.saveAll();
    this.isNew = false;
    ticker?.start();
    return conn;
  }

  /** @returns a promise if there is a hook to wait for */
  #join(conn: RoomConnection, request: Request): Promise<void> | undefined {
    const { hooks, presence } = this.#scope;
    const joining = hooks.join(conn, presence.user(conn.publicId), request);
    if (!joining) {
      this.#joined(conn);
      return undefined;
    }
    const joined = joining.then(() => this.#joined(conn)).finally(() => this.#joining.delete(conn));
    this.#joining.set(conn, joined);
    return joined;
  }

  #joined(conn: RoomConnection): void {
    const { mode, broadcast } = this.#scope;
    conn.joined(mode.autoSync);
    broadcast.schedule();
  }

  #left(socket: RoomSocket, conn: RoomConnection): void {
    const { connections, ticker, sessions, presence, alarms, hooks, listing } = this.#scope;
    connections.remove(socket, conn);
    listing.changed();
    if (connections.size === 0) ticker?.stop();
    const session = sessions.find(conn.sessionId);
    // One from before its user went elsewhere may close late: by now its session may be another user's.
    if (session?.publicId !== conn.publicId || connections.isOnline(conn.publicId)) return;
    const user = presence.user(conn.publicId);
    presence.leave(session);
    alarms.arm();
    const tell = () => hooks.leave(conn, user);
    if (user || !presence.hasUsers) this.#afterJoins(conn.publicId, tell);
  }

  /** Runs this when no `onJoin` of the user is under way any more, unless they are here again by then. */
  #afterJoins(publicId: string, run: () => void): void {
    const joins = [...this.#joining].flatMap(([conn, joined]) => (conn.publicId === publicId ? [joined] : []));
    if (joins.length === 0) run();
    else void Promise.allSettled(joins).then(() => this.#scope.connections.isOnline(publicId) || run());
  }
}

/** What a client says of its protocol, and of where it was. */
function protocolOf(url: string): Pick<ClientIdentity, "protocol" | "since"> {
  // Most clients say nothing: that is seen without taking their URL apart.
  if (!url.includes("protocol=")) return { protocol: 1 };
  const query = new URL(url).searchParams;
  if (query.get("protocol") !== "2") return { protocol: 1 };
  const seq = Number(query.get("since") ?? "");
  const epoch = query.get("epoch");
  return { protocol: 2, since: epoch !== null && Number.isSafeInteger(seq) ? { seq, epoch } : undefined };
}
