import { isFault, RoomError, toRoomError } from "../../protocol/errors.ts";
import type { CompiledRoom } from "../../define/room.ts";
import { MEMORY } from "./departures.ts";
import type { DepartureScope } from "./departures.ts";
import type { Wakeable } from "../timing/alarms.ts";
import type { OwnRows, RoomPart } from "../timing/room-part.ts";
import { ExpiringRows } from "../storage/expiring-rows.ts";
import type { UserPacking } from "./user-packing.ts";
import type { Session } from "../sessions/sessions.ts";
import { TransferTokens } from "./transfer-tokens.ts";
import type { TransferAnswer, TransferredUser, RecallAnswer } from "./messages.ts";

/** How long a place is kept for a user who is on the way here, in ms. */
const PLACE_KEPT = 30_000;
const ARRIVED: Ended = { arrived: true };

/** How a transfer ended here. The user who was given back is kept apart. */
interface Ended {
  readonly arrived: boolean;
  /** Earlier versions kept the user here. */
  readonly passenger?: TransferredUser | null;
}

/** What taking users in needs of the room. */
export interface ArrivalScope extends DepartureScope {
  readonly compiled: CompiledRoom;
}

/** Called when an arrival changes something elsewhere. */
interface ArrivalCallbacks {
  /** A session is on the way to another room, or is so no more. */
  onLeaving(session: Session): void;
  /** A user is here, who may have left once. Must not throw. */
  onArrived(session: Session): void;
  /** A user who was here is in another room. */
  onGone(session: Session): void;
}

/**
 * Takes in users who come from other rooms, and gives them back as long as they have not come. Whoever is refused is
 * not here, since the other room keeps them.
 */
export class Arrivals implements RoomPart, Wakeable {
  readonly tokens: TransferTokens;
  readonly #scope: ArrivalScope;
  readonly #packing: UserPacking;
  readonly #callbacks: ArrivalCallbacks;
  /** By transfer: how it ended here. */
  readonly #moved: ExpiringRows<Ended>;

  constructor(scope: ArrivalScope, packing: UserPacking, callbacks: ArrivalCallbacks) {
    const { storage, clock, compiled, sessions } = scope;
    this.#scope = scope;
    this.#packing = packing;
    this.#callbacks = callbacks;
    this.tokens = new TransferTokens(sessions, compiled.settings.transferExpiryTime, storage, clock);
    this.#moved = new ExpiringRows("moved", MEMORY, storage, clock);
  }

  load(rows: OwnRows): void {
    this.tokens.load(rows);
    this.#moved.load(rows);
    // Those who were given back, and whose rows could not be removed before the room died.
    for (const session of this.#scope.sessions.all()) {
      const { transferId } = session;
      if (transferId !== undefined && this.#moved.get(transferId)?.arrived === false) this.#forget(session);
    }
  }

  due(): number | undefined {
    const due = Math.min(this.tokens.due() ?? Infinity, this.#moved.due() ?? Infinity);
    return due === Infinity ? undefined : due;
  }

  /** Forgets what ran out. */
  run(now: number): void {
    this.tokens.purge(now);
    this.#moved.purge(now);
  }

  /**
   * Takes a user in, or refuses them. Rejects if they have come, but it cannot be said so: the other room finds out
   * when it calls them back.
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
      // It brought them before, as they were then.
      const session = this.#brought(passenger);
      if (session) this.#giveBack(session, passenger.transferId, null);
      return { ok: false, code, message };
    }
  }

  /**
   * Calls a transfer back, unless its user has come.
   * @param isKept whether the other room has stored the user: then they are not kept here
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

  /** The other room asks again: its answer was lost, or it says that it has stored the user. */
  #repeat(transferId: string, { arrived, passenger }: Ended, isKept: boolean): RecallAnswer {
    if (!isKept) {
      const kept = this.#moved.apart(transferId) as TransferredUser | undefined;
      return { arrived, passenger: passenger ?? kept ?? null };
    }
    this.#moved.dropApart(transferId);
    if (passenger) this.#moved.set(transferId, { arrived });
    return { arrived, passenger: null };
  }

  /** A user has come: the room that sent them need not remember them any more. */
  confirm(session: Session): void {
    const { ports, persistence, reporter } = this.#scope;
    const { from, transferId, clientId, sub } = session;
    if (from === undefined || transferId === undefined) return;
    session.from = undefined;
    session.row.changed(true);
    // First: whatever dies then, they are here.
    persistence.save();
    if (session.row.isUnsaved) return;
    // If it never hears of it, it asks before it lets them in again, and forgets them after a day.
    ports.neighbours
      .arrived(from, transferId, clientId, sub)
      .catch((error: unknown) => reporter.failed("confirm_failed", error));
  }

  #pack(session: Session, transferId: string): TransferredUser {
    const { presence, sessions } = this.#scope;
    return this.#packing.of(
      session,
      transferId,
      presence.stored(session.publicId),
      sessions.detailsOf(session).connState,
    );
  }

  /** A user is in another room, or was called back there. */
  remove(session: Session): void {
    const { presence, sessions, persistence } = this.#scope;
    if (session.transferId !== undefined) this.#end(session.transferId, ARRIVED);
    // Whoever still waits for it sees that it is over.
    session.leaving = undefined;
    this.#callbacks.onLeaving(session);
    this.#callbacks.onGone(session);
    // It ran out on the way. By now there may be another one with its id.
    if (sessions.find(session.id) !== session) return;
    sessions.remove(session);
    presence.expire(session);
    persistence.save();
  }

  /** Nothing is to be known any more of the transfers that brought a user here, but that they have ended. */
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
    // It goes on here: what is sent again is older.
    if (before && this.#hasCome(passenger)) return this.#issue(before, transferId);
    presence.checkSpace(before);
    const publicId = before?.publicId ?? sessions.freePublicId(passenger.publicId);
    const user = await this.#packing.restore(passenger, publicId);
    // While the hook ran, the room may have filled up, they may have come, or the transfer been called back.
    this.#refuseIfEnded(transferId);
    const known = sessions.claim(sessionId, sub);
    if (known && this.#hasCome(passenger)) return this.#issue(known, transferId);
    presence.checkSpace(known);
    const session = known ?? sessions.create(sessionId, sub, publicId);
    const undo = known ? this.#remember(known) : () => this.#forget(session);
    let token: string;
    try {
      // First, since it is worth nothing without what follows.
      token = this.#issue(session, transferId);
      this.#store(session, passenger, user);
    } catch (error) {
      undo();
      throw error;
    }
    // They are stored here: whatever fails from now on must not refuse them, since their rows may outlive the refusal.
    this.#callbacks.onArrived(session);
    return token;
  }

  /** @throws if they cannot be stored: then nothing of them is */
  #store(session: Session, { transferId, state, from }: TransferredUser, user: TransferredUser["user"]): void {
    const { presence, sessions, clock, compiled, persistence } = this.#scope;
    const before = session.transferId;
    if (before !== undefined && before !== transferId) this.#end(before, ARRIVED);
    session.transferId = transferId;
    sessions.setConnState(session, state);
    session.leaving = undefined;
    this.#callbacks.onLeaving(session);
    presence.keep(session);
    if (!presence.isOnline(session)) {
      session.from = from;
      session.expectedUntil = clock.now() + Math.min(PLACE_KEPT, compiled.settings.transferExpiryTime);
      sessions.offline(session);
    }
    session.row.changed(true);
    if (user) presence.loadUser(session.publicId, user);
    if (persistence.saveTogether(presence.ownerOf(session))) return;
    throw new RoomError("internal", "The room cannot store the user");
  }

  /** Who is known here, before somebody takes their place. @returns puts them back */
  #remember(session: Session): () => void {
    const { presence, sessions, persistence } = this.#scope;
    const { transferId, from, leaving, expectedUntil, publicId } = session;
    const { connState } = sessions.detailsOf(session);
    const user = presence.user(publicId);
    return () => {
      Object.assign(session, { transferId, from, leaving, expectedUntil });
      sessions.setConnState(session, connState);
      this.#callbacks.onLeaving(session);
      session.row.changed(true);
      presence.putBack(publicId, user);
      persistence.save();
    };
  }

  /** Whom this very transfer brought here. */
  #brought({ transferId, sessionId, sub }: TransferredUser): Session | undefined {
    const session = this.#scope.sessions.of(sessionId, sub);
    return session?.transferId === transferId ? session : undefined;
  }

  /** The same, where the other room does not say whose it is. */
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

  /** Whether a user has come who was expected, or comes at this moment. */
  #isHere(session: Session): boolean {
    return session.expectedUntil === undefined || this.#scope.presence.isJoining(session);
  }

  /**
   * They are not to be here: the other room has them.
   * @param passenger kept with the answer: the other room may ask again, if it dies before it has stored the user
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
