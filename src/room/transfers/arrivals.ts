import { isFault, RoomError, toRoomError } from "../../protocol/errors.ts";
import type { CompiledRoom } from "../../define/room.ts";
import { MEMORY } from "./departures.ts";
import type { DepartureScope } from "./departures.ts";
import type { Wakeable } from "../timing/alarms.ts";
import type { OwnRows, RoomPart } from "../timing/room-part.ts";
import { ExpiringRows } from "../storage/expiring-rows.ts";
import type { MovingUsers } from "./moving-users.ts";
import type { UserPacking } from "./user-packing.ts";
import type { Session } from "../sessions/sessions.ts";
import { TransferTokens } from "./transfer-tokens.ts";
import type { TransferAnswer, TransferredUser, RecallAnswer } from "./messages.ts";

/** How long a place is reserved for a user in transfer, in ms. */
const PLACE_KEPT = 30_000;
const ARRIVED: Ended = { arrived: true };

/** How a transfer ended here. The returned user is stored separately. */
interface Ended {
  readonly arrived: boolean;
  /** Earlier versions stored the user here. */
  readonly passenger?: TransferredUser | null;
}

/** The parts of the room that arrivals need. */
export interface ArrivalScope extends DepartureScope {
  readonly compiled: CompiledRoom;
}

/** Called when an arrival has an effect elsewhere. */
interface ArrivalCallbacks {
  /** A session has started a transfer to another room, or has ended it. */
  onLeaving(session: Session): void;
  /** A user is here, who may have left once. Must not throw. */
  onArrived(session: Session): void;
  /** A user who was here is in another room. */
  onGone(session: Session): void;
}

/**
 * Accepts users from other rooms, and returns them as long as they have not arrived. A refused user is not here, since
 * the other room keeps them.
 */
export class Arrivals implements RoomPart, Wakeable {
  readonly tokens: TransferTokens;
  readonly #scope: ArrivalScope;
  readonly #packing: UserPacking;
  readonly #users: MovingUsers;
  readonly #callbacks: ArrivalCallbacks;
  /** By transfer: how it ended here. */
  readonly #moved: ExpiringRows<Ended>;

  constructor(scope: ArrivalScope, packing: UserPacking, users: MovingUsers, callbacks: ArrivalCallbacks) {
    const { storage, clock, compiled, sessions } = scope;
    this.#scope = scope;
    this.#packing = packing;
    this.#users = users;
    this.#callbacks = callbacks;
    this.tokens = new TransferTokens(sessions, compiled.settings.transferExpiryTime, storage, clock);
    this.#moved = new ExpiringRows("moved", MEMORY, storage, clock);
  }

  load(rows: OwnRows): void {
    this.tokens.load(rows);
    this.#moved.load(rows);
    // Sessions that were returned, and whose rows could not be removed before the room crashed.
    for (const session of this.#scope.sessions.all()) {
      const { transferId } = session;
      if (transferId !== undefined && this.#moved.get(transferId)?.arrived === false) this.#forget(session);
    }
  }

  due(): number | undefined {
    const due = Math.min(this.tokens.due() ?? Infinity, this.#moved.due() ?? Infinity);
    return due === Infinity ? undefined : due;
  }

  /** Removes expired entries. */
  run(now: number): void {
    this.tokens.purge(now);
    this.#moved.purge(now);
  }

  /**
   * Accepts a user, or refuses them. Rejects if the user has arrived but that cannot be answered: the other room finds
   * out when it recalls them.
   */
  async board(passenger: TransferredUser): Promise<TransferAnswer> {
    try {
      const token = await this.#admit(passenger);
      // While they join they may still be refused, so the other room has to remember them.
      return { ok: true, token, isHere: this.#brought(passenger)?.expectedUntil === undefined };
    } catch (thrown) {
      const error = toRoomError(thrown);
      const { code, message } = error;
      if (isFault(error)) this.#scope.reporter.failed("board_failed", thrown);
      if (this.#hasCome(passenger)) throw thrown;
      // The transfer brought them before, with their values of then.
      const session = this.#brought(passenger);
      if (session) this.#giveBack(session, passenger.transferId, null);
      return { ok: false, code, message };
    }
  }

  /**
   * Recalls a transfer, unless its user has arrived.
   * @param isKept whether the other room has stored the user. Then they are not stored here
   */
  recall(transferId: string, sessionId: string, isKept = false): RecallAnswer {
    const ended = this.#moved.get(transferId);
    if (ended) return this.#repeat(transferId, ended, isKept);
    const session = this.#broughtBy(transferId, sessionId);
    if (session && this.#isHere(session)) return { arrived: true, passenger: null };
    const passenger = session && !isKept ? this.#pack(session, transferId) : null;
    if (session) this.#giveBack(session, transferId, passenger);
    else this.#end(transferId, { arrived: false });
    return { arrived: false, passenger };
  }

  /** The other room asks again: the answer was lost, or it reports that it has stored the user. */
  #repeat(transferId: string, { arrived, passenger }: Ended, isKept: boolean): RecallAnswer {
    if (!isKept) {
      const kept = this.#moved.apart(transferId) as TransferredUser | undefined;
      return { arrived, passenger: passenger ?? kept ?? null };
    }
    this.#moved.dropApart(transferId);
    if (passenger) this.#moved.set(transferId, { arrived });
    return { arrived, passenger: null };
  }

  /** A user has arrived: the room that sent them no longer needs to remember them. */
  confirm(session: Session): void {
    const { ports, persistence, reporter } = this.#scope;
    const { from, transferId, clientId, sub } = session;
    if (from === undefined || transferId === undefined) return;
    session.from = undefined;
    session.row.changed(true);
    // First: whatever crashes then, they are here.
    persistence.save();
    if (session.row.isUnsaved) return;
    // If the other room does not learn of it, it asks before it accepts them again, and forgets them after a day.
    ports.neighbours
      .arrived(from, transferId, clientId, sub)
      .catch((error: unknown) => reporter.failed("confirm_failed", error));
  }

  #pack(session: Session, transferId: string): TransferredUser {
    const { connState } = this.#scope.sessions.detailsOf(session);
    return this.#packing.of(session, transferId, this.#users.stored(session.publicId), connState);
  }

  /** A user is in another room, or was recalled. */
  remove(session: Session): void {
    const { presence, sessions, persistence } = this.#scope;
    if (session.transferId !== undefined) this.#end(session.transferId, ARRIVED);
    // Code that still waits for it sees that it is over.
    session.leaving = undefined;
    this.#callbacks.onLeaving(session);
    this.#callbacks.onGone(session);
    // It expired during the transfer. Another one may have its id by now.
    if (sessions.find(session.id) !== session) return;
    sessions.remove(session);
    presence.expire(session);
    persistence.save();
  }

  /** Deletes everything about the transfers that brought a user here, except that they have ended. */
  forget(publicId: string, session: Session | undefined): void {
    if (session?.transferId !== undefined) this.tokens.forget(session.transferId);
    if (session) this.remove(session);
    for (const transferId of Array.from(this.#moved.keys())) {
      const passenger = this.#moved.apart(transferId) as TransferredUser | undefined;
      if (passenger?.publicId !== publicId) continue;
      this.tokens.forget(transferId);
      this.#moved.dropApart(transferId);
    }
  }

  async #admit(passenger: TransferredUser): Promise<string> {
    const { sessions, presence } = this.#scope;
    const { transferId, sessionId, sub } = passenger;
    this.#refuseIfEnded(transferId);
    const before = sessions.claim(sessionId, sub);
    // The user continues here: a repeated transfer has older values.
    if (before && this.#hasCome(passenger)) return this.#issue(before, transferId);
    presence.checkSpace(before);
    const publicId = before?.publicId ?? this.#users.freePublicId(passenger.publicId);
    const user = await this.#packing.restore(passenger, publicId);
    // While the hook ran, the room may have filled up, the user may have arrived, or the transfer may have been
    // cancelled.
    this.#refuseIfEnded(transferId);
    const known = sessions.claim(sessionId, sub);
    if (known && this.#hasCome(passenger)) return this.#issue(known, transferId);
    presence.checkSpace(known);
    const session = known ?? sessions.create(sessionId, sub, publicId);
    const undo = known ? this.#remember(known) : () => this.#forget(session);
    let token: string;
    try {
      // First, since it is useless without what follows.
      token = this.#issue(session, transferId);
      this.#store(session, passenger, user);
    } catch (error) {
      undo();
      throw error;
    }
    // They are stored here: a later failure must not refuse them, since their rows may outlive the refusal.
    this.#callbacks.onArrived(session);
    return token;
  }

  /** @throws if the user cannot be stored. Then nothing of them is */
  #store(session: Session, { transferId, state, from }: TransferredUser, user: TransferredUser["user"]): void {
    const { presence, sessions, clock, compiled, persistence } = this.#scope;
    const before = session.transferId;
    if (before !== undefined && before !== transferId) this.#end(before, ARRIVED);
    session.transferId = transferId;
    this.#users.setConnState(session, state);
    session.leaving = undefined;
    this.#callbacks.onLeaving(session);
    presence.keep(session);
    if (!presence.isOnline(session)) {
      session.from = from;
      session.expectedUntil = clock.now() + Math.min(PLACE_KEPT, compiled.settings.transferExpiryTime);
      sessions.offline(session);
    }
    session.row.changed(true);
    if (user) this.#users.load(session.publicId, user);
    if (persistence.saveTogether(this.#users.ownerOf(session))) return;
    throw new RoomError("internal", "The room cannot store the user");
  }

  /** Remembers who is known here before the user replaces them. @returns a function that restores them */
  #remember(session: Session): () => void {
    const { presence, sessions, persistence } = this.#scope;
    const { transferId, from, leaving, expectedUntil, publicId } = session;
    const { connState } = sessions.detailsOf(session);
    const user = presence.user(publicId);
    return () => {
      Object.assign(session, { transferId, from, leaving, expectedUntil });
      this.#users.setConnState(session, connState);
      this.#callbacks.onLeaving(session);
      session.row.changed(true);
      presence.putBack(publicId, user);
      persistence.save();
    };
  }

  /** The session that this transfer brought here. */
  #brought({ transferId, sessionId, sub }: TransferredUser): Session | undefined {
    const session = this.#scope.sessions.of(sessionId, sub);
    return session?.transferId === transferId ? session : undefined;
  }

  /** The same if the other room does not send the subject. */
  #broughtBy(transferId: string, clientId: string): Session | undefined {
    for (const session of this.#scope.sessions.all()) {
      if (session.transferId === transferId && session.clientId === clientId) return session;
    }
    return undefined;
  }

  #hasCome(passenger: TransferredUser): boolean {
    const session = this.#brought(passenger);
    return session !== undefined && this.#isHere(session);
  }

  /** Whether an expected user has arrived, or is joining right now. */
  #isHere(session: Session): boolean {
    return session.expectedUntil === undefined || this.#scope.presence.isJoining(session);
  }

  /**
   * The user must not be here, since the other room has them.
   * @param passenger stored with the answer, since the other room may ask again if it crashes before it has stored the
   * user
   */
  #giveBack(session: Session, transferId: string, passenger: TransferredUser | null): void {
    this.#end(transferId, { arrived: false }, passenger ?? undefined);
    this.#forget(session);
  }

  #forget(session: Session): void {
    session.transferId = undefined;
    this.remove(session);
  }

  #refuseIfEnded(transferId: string): void {
    if (this.#moved.get(transferId)) throw new RoomError("forbidden", "This transfer has ended");
  }

  #end(transferId: string, ended: Ended, passenger?: TransferredUser): void {
    this.#moved.set(transferId, ended, passenger);
    this.#scope.alarms.arm(this);
  }

  #issue(session: Session, transferId: string): string {
    const token = this.tokens.issue(session, transferId);
    this.#scope.alarms.arm(this);
    return token;
  }
}
