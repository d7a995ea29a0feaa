import type { Claims, Guard, GuardContext } from "../define/types.ts";
import { RoomError, toRoomError } from "../protocol/errors.ts";
import { isOverQuota } from "../protocol/quota.ts";
import { AddressLimit } from "../platform/address-limit.ts";
import type { Clock } from "../platform/ports.ts";
import type { Tree } from "../state/tree.ts";
import type { Broadcast } from "./sync/broadcast.ts";
import { RoomConnection } from "./connections/connection.ts";
import type { ConnectionHooks } from "./connections/connection.ts";
import type { ClientIdentity } from "./connections/identity.ts";
import type { Connections } from "./connections/connections.ts";
import { passes } from "./handlers/guards.ts";
import type { Hooks } from "./handlers/hooks.ts";
import type { RoomSocket } from "./connections/remote-group.ts";
import type { JoinRequest } from "./connections/join-request.ts";
import { isSpectating, readJoinInput } from "./join-input.ts";
import type { Presence } from "./sessions/presence.ts";
import type { RemovedUsers } from "./sessions/removed-users.ts";
import type { Reporter } from "./handlers/reporter.ts";
import { subjectOf } from "./sessions/session-keys.ts";
import { randomId } from "./sessions/sessions.ts";
import type { Session, Sessions } from "./sessions/sessions.ts";
import type { UserTransfers } from "./transfers/user-transfers.ts";
import type { Turns } from "./timing/turns.ts";
import type { RoomContext } from "./handlers/room-context.ts";

/** The parts of the room that admission needs. */
export interface AdmissionScope extends RoomContext {
  readonly clock: Clock;
  readonly tree: Tree;
  readonly turns: Turns;
  readonly connections: Connections;
  readonly connectionHooks: ConnectionHooks;
  readonly sessions: Sessions;
  readonly presence: Presence;
  readonly removedUsers: RemovedUsers | undefined;
  readonly transfers: UserTransfers;
  readonly hooks: Hooks;
  readonly reporter: Reporter;
  readonly broadcast: Broadcast;
  readonly persistence: { readonly failure: unknown };
  readonly ended: Promise<void> | undefined;
  isNew: boolean;
}

/** Lets clients in, and handles their leaving. */
export class Admission {
  readonly #scope: AdmissionScope;
  /** Connections whose `onJoin` is not done. */
  readonly #joining = new Map<RoomConnection, Promise<void>>();
  readonly #rate: AddressLimit;

  constructor(scope: AdmissionScope) {
    this.#scope = scope;
    const { joins, per } = scope.compiled.settings.joinRate;
    this.#rate = new AddressLimit({ messages: joins, per });
  }

  /** Lets a client in, or refuses it: then its socket is closed with a code and a reason. */
  async connect(join: JoinRequest): Promise<void> {
    const { request, auth, socket, isBatched } = join;
    const isGone = () => !socket.isOpen || join.isGone?.() === true;
    const { turns, reporter, connections } = this.#scope;
    // Many clients may join at once: if nothing has to be awaited, a join is one turn, without promises and timers.
    try {
      this.#checkRate(request);
      const isSpectator = isSpectating(this.#scope, request.url);
      const reading = this.#read(request, isSpectator);
      const input = reading instanceof Promise ? await reading : reading;
      const admission = this.#admit(auth, request, input, isSpectator);
      if (admission) await admission;
      // A client that is gone may be on the way to another room by now: nothing must call its user back.
      if (isGone()) return;
      const entering = isSpectator ? this.#watch(join) : this.#enter(join, input, isGone);
      if (entering) await entering;
    } catch (thrown) {
      const error = reporter.thrown("connect_failed", thrown);
      const conn = connections.find(socket);
      if (conn) conn.refuse(error);
      else RoomConnection.refuse(socket, error);
    }
    join.isDone = true;
    if (isBatched) turns.want();
    else turns.end();
  }

  /** Lets a user in. @returns a promise if there is something to wait for */
  #enter(join: JoinRequest, input: unknown, isGone: () => boolean): Promise<void> | undefined {
    const { auth, sessionId } = join;
    // Before the token is checked: a user who comes back may have a URL with a spent token, from their first arrival.
    const sub = subjectOf(auth);
    const recall = sessionId === undefined ? undefined : this.#scope.transfers.welcomeBack(sessionId, sub);
    if (!recall) return this.#seat(join, input, sub);
    return recall.then(() => (isGone() ? undefined : this.#seat(join, input, sub)));
  }

  #seat(join: JoinRequest, input: unknown, sub: string | undefined): Promise<void> | undefined {
    const { sessionId, transferToken } = join;
    const { transfers, turns, presence } = this.#scope;
    const id = transferToken === undefined ? sessionId : transfers.sessionOf(transferToken, sessionId, sub);
    this.#checkStorage(id, sub);
    const joining = turns.run(() => {
      const session = presence.enter(id ?? crypto.randomUUID(), sub);
      const conn = this.#open(join, session);
      return this.#join(conn, session, join, input);
    }, "caller");
    if (joining) turns.want();
    return joining;
  }

  /** Lets a spectator in, who has neither a session nor a user. */
  #watch({ socket, isEarly, auth, request }: JoinRequest): undefined {
    const { connections, connectionHooks } = this.#scope;
    this.#checkEnd();
    if (socket.remote) socket.accept();
    const who = { sessionId: crypto.randomUUID(), publicId: randomId(), auth, isSpectator: true };
    const conn = RoomConnection.open(socket, { ...who, ...protocolAt(socket, request.url) }, connectionHooks, isEarly);
    connections.add(socket, conn);
    this.#keepState();
    this.#welcome(conn);
  }

  /** The socket of a connection closed. */
  left(socket: RoomSocket, conn: RoomConnection): void {
    const { connections, sessions, presence } = this.#scope;
    const wasJoining = connections.joining.has(conn);
    connections.remove(socket, conn);
    const session = sessions.find(conn.sessionId);
    // By now its session may belong to another user.
    if (conn.hasLeft || session?.publicId !== conn.publicId) return;
    if (!wasJoining) this.#leave(conn, session);
    // Otherwise the end of its `onJoin` says whether the user was let in.
    else if (!this.#joining.has(conn)) presence.withdraw(session);
  }

  /** A connection of a user who was let in has closed. */
  #leave(conn: RoomConnection, session: Session): void {
    const { connections, presence } = this.#scope;
    if (conn.hasActed) session.isIdle = undefined;
    // When the room is destroyed, all are taken out of it before the first is closed.
    if (connections.isOnline(conn.publicId) || session.offlineSince !== undefined) return;
    const user = presence.user(conn.publicId);
    presence.leave(session);
    this.#runOnLeave(conn, user);
  }

  #runOnLeave(conn: RoomConnection, user: object | undefined): void {
    const { presence, hooks } = this.#scope;
    if (user || !presence.hasUsers) this.#afterJoins(conn.publicId, () => hooks.leave(conn, user, conn.leaveReason));
  }

  /** @throws RoomError `room_full`: the client tries that again by itself, while it takes `rate_limited` as final */
  #checkRate({ headers }: Request): void {
    if (this.#rate.wait(headers, this.#scope.clock.now()) <= 0) return;
    throw new RoomError("room_full", "Too many clients connect from this address. Try again in a moment");
  }

  /** @throws RoomError `destroyed` while the room ends */
  #checkEnd(): void {
    if (this.#scope.ended) throw new RoomError("destroyed", "The room was destroyed");
  }

  /** @throws RoomError `destroyed` while the room ends; `over_quota` for somebody new, while what is new cannot be stored */
  #checkStorage(id: string | undefined, sub: string | undefined): void {
    this.#checkEnd();
    const { persistence, sessions } = this.#scope;
    if (!isOverQuota(persistence.failure)) return;
    if (id === undefined || !sessions.of(id, sub)) throw toRoomError(persistence.failure);
  }

  /** The parsed value that the client joins with. @returns a promise if the schema is async */
  #read({ url }: Request, isSpectator: boolean): unknown {
    const input = readJoinInput(this.#scope.compiled, url, isSpectator);
    return input instanceof Promise ? this.#scope.hooks.untilJoined("The schema of join", () => input) : input;
  }

  /** @returns a promise if there are guards to wait for */
  #admit(auth: Claims | null, request: Request, join: unknown, isSpectator: boolean): Promise<void> | undefined {
    const { compiled, state, room } = this.#scope;
    const { guards = [] } = compiled.definition;
    if (guards.length === 0) return undefined;
    return this.#ask(guards, { conn: undefined, auth, request, join, isSpectator, caller: undefined, state, room });
  }

  async #ask(guards: readonly Guard<object>[], context: GuardContext<object>): Promise<void> {
    const verdict = await this.#scope.hooks.untilJoined("A guard", () => passes(guards, context, undefined));
    if (verdict !== true) throw new RoomError("forbidden", "You may not enter this room");
  }

  /** @throws RoomError `bad_message` if the client's token is too large: then nothing is left of its join */
  #open({ socket, isEarly, auth, request }: JoinRequest, session: Session): RoomConnection {
    const { connections, connectionHooks, sessions, presence } = this.#scope;
    // A shard holds it already.
    if (socket.remote) socket.accept();
    const { id: sessionId, publicId } = session;
    const { connState: state } = sessions.detailsOf(session);
    const who = { sessionId, publicId, auth, state, ...protocolAt(socket, request.url) };
    try {
      const conn = RoomConnection.open(socket, who, connectionHooks, isEarly);
      connections.add(socket, conn);
      return conn;
    } catch (error) {
      presence.withdraw(session);
      throw error;
    }
  }

  /** @returns a promise if there is a hook to wait for */
  #join(conn: RoomConnection, session: Session, join: JoinRequest, input: unknown): Promise<void> | undefined {
    if (this.#scope.compiled.definition.onJoin) return this.#runOnJoin(conn, session, join, input);
    this.#joined(conn, session, join);
    return undefined;
  }

  async #runOnJoin(conn: RoomConnection, session: Session, join: JoinRequest, input: unknown): Promise<void> {
    const { hooks, presence } = this.#scope;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#joining.set(conn, done);
    try {
      await hooks.join(conn, presence.user(conn.publicId), join.request, input);
    } catch (error) {
      presence.withdraw(session);
      throw error;
    } finally {
      this.#joining.delete(conn);
      resolve();
    }
    this.#joined(conn, session, join);
  }

  /** `onJoin` is done: the user is in the room, unless the room has closed the connection or removed the user meanwhile. */
  #joined(conn: RoomConnection, session: Session, { transferToken }: JoinRequest): void {
    const { removedUsers, presence, sessions, transfers } = this.#scope;
    removedUsers?.settle();
    if (sessions.find(session.id) !== session) return;
    if (conn.hasLeft) return presence.withdraw(session);
    if (conn.isRefused) {
      const user = presence.user(conn.publicId);
      presence.withdraw(session);
      this.#runOnLeave(conn, user);
      return;
    }
    this.#keepState();
    presence.arrive(session);
    if (transferToken !== undefined) transfers.spend(transferToken);
    if (session.from !== undefined) transfers.confirm(session);
    if (conn.isEnding) return this.#leave(conn, session);
    this.#welcome(conn);
  }

  /** A client sees the state. From now on it is stored, including values that `state()` creates only once. */
  #keepState(): void {
    if (this.#scope.isNew) this.#scope.tree.saveAll();
    this.#scope.isNew = false;
  }

  /** The first packet of a connection is next. */
  #welcome(conn: RoomConnection): void {
    const { broadcast, connections } = this.#scope;
    connections.joined(conn);
    conn.joined(broadcast.autoSync);
    broadcast.schedule();
  }

  /** Runs this when no `onJoin` of the user is under way any more, unless they are here again by then. */
  #afterJoins(publicId: string, run: () => void): void {
    const joins = [...this.#joining].flatMap(([conn, joined]) => (conn.publicId === publicId ? [joined] : []));
    if (joins.length === 0) run();
    else void Promise.allSettled(joins).then(() => this.#scope.connections.isOnline(publicId) || run());
  }
}

/** Which protocol is spoken with a client: a shard may be of a version that knows only JSON. */
function protocolAt({ remote }: RoomSocket, url: string): ReturnType<typeof protocolOf> {
  const spoken = protocolOf(url);
  return spoken.protocol === 3 && remote?.group.takesBinary === false ? { ...spoken, protocol: 2 } : spoken;
}

/** Reads which protocols the client speaks, and what it has from its previous connection. */
export function protocolOf(url: string): Pick<ClientIdentity, "protocol" | "clears" | "since" | "wire"> {
  // Most clients of protocol 1 do not say so: then the URL does not have to be parsed.
  if (!url.includes("protocol=")) return { protocol: 1 };
  const query = new URL(url).searchParams;
  const spoken = query.getAll("protocol");
  const protocol = spoken.includes("3") ? 3 : spoken[0] === "2" ? 2 : 1;
  if (protocol === 1) return { protocol };
  const clears = query.has("clear");
  const seq = Number(query.get("since") ?? "");
  const epoch = query.get("epoch");
  if (epoch === null || !Number.isSafeInteger(seq)) return { protocol, clears };
  const mark = Number(query.get("mark") ?? NaN);
  const since = { seq, epoch, mark: Number.isSafeInteger(mark) ? mark : undefined };
  const [tables, run] = [query.get("tables"), query.get("run")];
  return { protocol, clears, since, wire: tables !== null && run !== null ? { tables, run } : undefined };
}
