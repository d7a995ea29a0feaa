import { hasParts, isFlag, isNumber, isText, maybe } from "../storage/runtime-rows.ts";
import type { RowChecks } from "../storage/runtime-rows.ts";
import type { Snapshot } from "../../define/types.ts";
import { noLongerHere, RoomError } from "../../protocol/errors.ts";
import type { Wakeable } from "../timing/alarms.ts";
import type { OwnRows, RoomPart } from "../timing/room-part.ts";
import { Arrivals } from "./arrivals.ts";
import { Departures, RETRY } from "./departures.ts";
import { MovingUsers } from "./moving-users.ts";
import { UserPacking } from "./user-packing.ts";
import type { Session } from "../sessions/sessions.ts";
import type { TransferScope, UserTransfers } from "./user-transfers.ts";
import type { TransferAnswer, TransferredUser, RecallAnswer } from "./messages.ts";

type Boarded = Extract<TransferAnswer, { ok: true }>;

/** How often a user is sent if the other room does not answer. */
const ATTEMPTS = 3;
/** How often a user is sent who changes meanwhile. */
const ROUNDS = 4;

const kept = (parts: RowChecks) => hasParts({ until: isNumber, size: maybe(isNumber), value: hasParts(parts) });
/** The rows of transfers. */
export const TRANSFER_ROWS: RowChecks = {
  token: kept({ sessionId: isText }),
  moved: kept({ arrived: isFlag }),
  departed: kept({ to: isText, transferId: isText }),
};

/**
 * Moves users between rooms, so that each user is in exactly one of them, whatever crashes between any two steps. The
 * room of departure records where the user goes, and keeps them until the room of arrival has stored them. If it never
 * learns that (after a crash or a lost answer), it later recalls the transfer: either the user has arrived by then and
 * is removed here, or they have not, and the other room refuses the transfer from then on.
 */
export class Transfers implements UserTransfers, RoomPart, Wakeable {
  readonly #scope: TransferScope;
  readonly #users: MovingUsers;
  readonly #packing: UserPacking;
  readonly #departures: Departures;
  readonly #arrivals: Arrivals;
  /** Sessions whose transfer is being made right now. */
  readonly #active = new Set<Session>();
  /** All sessions in transfer, including those. */
  readonly #leaving = new Set<Session>();
  #retryAt = 0;

  constructor(scope: TransferScope) {
    this.#scope = scope;
    this.#users = new MovingUsers(scope);
    this.#packing = new UserPacking(scope, this.#users);
    this.#departures = new Departures(scope, this.#packing, this.#users);
    this.#arrivals = new Arrivals(scope, this.#packing, this.#users, {
      onLeaving: (session) => this.#mark(session),
      onArrived: (session) => this.#departures.arrived(session),
      onGone: (session) => this.#departures.movedOn(session),
    });
    scope.alarms.register(this, this.#departures, this.#arrivals);
  }

  load(rows: OwnRows): void {
    for (const part of [this.#arrivals, this.#departures]) part.load(rows);
    for (const session of this.#scope.sessions.all()) this.#mark(session);
  }

  /** Moves a user to another room. @returns the token to connect there with */
  async depart(session: Session | undefined, state: unknown, to: string): Promise<string> {
    const { presence, identity, persistence, clock, alarms } = this.#scope;
    if (!session || (presence.hasUsers && !presence.user(session.publicId))) {
      throw new RoomError("forbidden", "The user is not in this room");
    }
    if (to === identity.id) throw new RoomError("invalid_input", "The user is already in that room");
    await this.#departures.beforeDeparture(session);
    if (this.#scope.sessions.find(session.id) !== session) throw noLongerHere();
    // A crash left this open: first find out how it ended.
    if (session.leaving && !this.#active.has(session)) await this.#callBack(session);
    if (session.leaving) throw new RoomError("forbidden", "The user is already moving to another room");
    const transferId = crypto.randomUUID();
    session.leaving = { to, transferId };
    session.row.changed(true);
    persistence.save();
    if (session.row.isUnsaved) {
      this.#stay(session);
      throw new RoomError("internal", "The room cannot store the transfer");
    }
    // If this crashes, the alarm wakes the room: perhaps nothing else does.
    if (this.#leaving.size === 0) this.#retryAt = clock.now() + RETRY;
    this.#leaving.add(session);
    this.#active.add(session);
    alarms.arm(this);
    try {
      const { token, isHere } = await this.#carry(session, state);
      // Then there is no one to recall.
      if (isHere) this.#departures.arrived(session);
      else this.#departures.note(session, to, transferId);
      this.#runOnLeave(session);
      this.#arrivals.remove(session);
      return token;
    } finally {
      this.#active.delete(session);
    }
  }

  /** Runs `onLeave` for a user who moves to another room. */
  #runOnLeave(session: Session): void {
    const { connections, presence, hooks } = this.#scope;
    const conn = [...connections.of(session.publicId)].find((other) => other.sessionId === session.id);
    if (conn) hooks.leave(conn, presence.user(session.publicId), "transferred");
  }

  /**
   * Sends the user until the other room has their latest values, since they may change meanwhile. If that continues,
   * for example with a tick, they are taken out of the state for the last attempt.
   */
  async #carry(session: Session, state: unknown): Promise<Boarded> {
    const { persistence } = this.#scope;
    for (let round = 1; round < ROUNDS; round++) {
      const user = this.#users.stored(session.publicId);
      const boarded = await this.#send(session, user, state);
      if (JSON.stringify(this.#users.stored(session.publicId)) === JSON.stringify(user)) return boarded;
    }
    // The stored values are sent. They stay until the other room has them.
    persistence.save();
    const user = this.#users.stored(session.publicId);
    const putBack = this.#users.takeOut(session);
    try {
      return await this.#send(session, user, state);
    } finally {
      putBack();
    }
  }

  /** @throws RoomError if the other room refuses the user, or does not answer */
  async #send(session: Session, user: Snapshot | null, state: unknown): Promise<Boarded> {
    const boarding = await this.#board(session, user, state);
    if (boarding.ok) return boarding;
    this.#stay(session);
    throw new RoomError(boarding.code, boarding.message);
  }

  async #board(session: Session, user: Snapshot | null, state: unknown): Promise<TransferAnswer> {
    const { leaving } = session;
    if (!leaving) throw new RoomError("internal", "The transfer was cancelled");
    const passenger = this.#packing.of(session, leaving.transferId, user, state);
    let lost: unknown;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        const boarding = await this.#scope.ports.neighbours.board(leaving.to, passenger);
        // An unanswered attempt may still be accepted later.
        if (boarding.ok || lost === undefined) return boarding;
        break;
      } catch (error) {
        lost = error;
      }
    }
    // Recalling it later tells how it ended.
    throw new RoomError("internal", "The other room did not answer", { cause: lost });
  }

  /** Accepts a user from another room: see {@link Arrivals.board}. */
  board(passenger: TransferredUser): Promise<TransferAnswer> {
    return this.#arrivals.board(passenger);
  }

  /** Recalls a transfer, unless its user has arrived: see {@link Arrivals.recall}. */
  recall(transferId: string, sessionId: string, isKept?: boolean): RecallAnswer {
    return this.#arrivals.recall(transferId, sessionId, isKept);
  }

  /** A user who left returns without having arrived. @returns a promise if they have to be recalled */
  welcomeBack(clientId: string, sub: string | undefined): Promise<void> | undefined {
    return this.#departures.welcomeBack({ clientId, sub });
  }

  /** The session that a client means: see {@link TransferTokens.sessionOf}. */
  sessionOf(token: string, clientId: string | undefined, sub: string | undefined): string {
    const isExpected = clientId !== undefined && this.#departures.hasStandIn({ clientId, sub });
    return this.#arrivals.tokens.sessionOf(token, clientId, sub, isExpected);
  }

  /** The token's user has arrived: it works once. */
  spend(token: string): void {
    this.#arrivals.tokens.spend(token);
  }

  /** Deletes everything about the transfers of a user. */
  forget(publicId: string, session: Session | undefined): void {
    this.#arrivals.forget(publicId, session);
  }

  /** A user from another room has arrived: see {@link Arrivals.confirm}. */
  confirm(session: Session): void {
    this.#arrivals.confirm(session);
  }

  /** A user who moved to another room has arrived there. */
  arrivedElsewhere(transferId: string, client: Pick<Session, "clientId" | "sub">): void {
    this.#departures.arrivedElsewhere(transferId, client);
  }

  due(): number | undefined {
    return this.#leaving.size > 0 ? this.#retryAt : undefined;
  }

  async run(now: number): Promise<void> {
    this.#retryAt = now + RETRY;
    for (const session of this.#leaving) await this.#callBack(session);
  }

  async #callBack(session: Session): Promise<void> {
    const { leaving } = session;
    // While others were recalled, it may have left again, or be gone.
    if (!leaving || this.#active.has(session)) return;
    try {
      const { neighbours } = this.#scope.ports;
      const { arrived } = await neighbours.recall(leaving.to, leaving.transferId, session.clientId, true);
      if (session.leaving !== leaving) return;
      if (arrived) this.#arrivals.remove(session);
      else this.#stay(session);
    } catch (error) {
      this.#scope.reporter.failed("recall_failed", error);
    }
  }

  #stay(session: Session): void {
    session.leaving = undefined;
    this.#mark(session);
    // It expired during the transfer.
    if (this.#scope.sessions.find(session.id) !== session) return;
    session.row.changed(true);
    this.#scope.persistence.save();
  }

  #mark(session: Session): void {
    if (session.leaving) this.#leaving.add(session);
    else this.#leaving.delete(session);
  }
}
