import type { CompiledRoom } from "../define/room.ts";
import type { Snapshot } from "../define/types.ts";
import { RoomError, toRoomError } from "../protocol/errors.ts";
import type { Sleeper } from "./alarms.ts";
import { Departures, MEMORY, RETRY } from "./departures.ts";
import type { DepartureScope } from "./departures.ts";
import type { Hooks } from "./hooks.ts";
import { Ledger } from "./ledger.ts";
import { Passengers } from "./passengers.ts";
import type { Session } from "./sessions.ts";
import { randomToken } from "./transfer.ts";
import type { Boarding, Passenger, Recall } from "./transfer.ts";

/** What moving users needs of the room. */
export interface TransferScope extends DepartureScope {
  readonly roomId: string;
  readonly compiled: CompiledRoom;
  readonly hooks: Hooks;
  /** The user is about to leave: tells the developer's hook. */
  leaving(session: Session): void;
  failed(event: string, error: unknown): void;
}

const ATTEMPTS = 3;
const ARRIVED: Recall = { arrived: true, passenger: null };

/**
 * Moves users between rooms, so that each is in exactly one of them whatever dies between any two steps.
 *
 * The room of departure notes where the user goes and keeps them until the room of arrival has them durably.
 * If it never learns (a crash, a lost answer), it later calls the transfer back: either the user has arrived
 * by then, and goes here; or they have not, and the other room forgets them and refuses that transfer for good.
 */
export class Transfers implements Sleeper {
  readonly #scope: TransferScope;
  readonly #passengers: Passengers;
  readonly #departures: Departures;
  /** By token: whose it is, and of which transfer. */
  readonly #tokens: Ledger<{ readonly sessionId: string; readonly transferId?: string }>;
  /** By transfer: how it ended here. */
  readonly #moved: Ledger<Recall>;
  /** Sessions whose transfer is being made right now. */
  readonly #active = new Set<Session>();
  /** Sessions that are on their way, those included. */
  readonly #leaving = new Set<Session>();
  #retryAt = 0;

  constructor(scope: TransferScope) {
    const { storage, clock, compiled, presence, hooks } = scope;
    this.#scope = scope;
    this.#passengers = new Passengers(compiled, presence, hooks);
    this.#tokens = new Ledger("token", compiled.settings.transferExpiryTime, storage, clock);
    this.#moved = new Ledger("moved", MEMORY, storage, clock);
    this.#departures = new Departures(scope, this.#passengers);
  }

  /** Its parts that want to be woken. */
  get parts(): readonly Sleeper[] {
    return [this, this.#departures];
  }

  load(rows: readonly [key: string, value: unknown][]): void {
    for (const part of [this.#tokens, this.#moved, this.#departures]) part.load(rows);
    for (const session of this.#scope.sessions.all()) if (session.leaving) this.#leaving.add(session);
  }

  /** Moves a user to another room. @returns the token to connect there with */
  async depart(session: Session | undefined, state: unknown, to: string): Promise<string> {
    const { presence, roomId, persistence, clock } = this.#scope;
    if (!session || (presence.hasUsers && !presence.user(session.publicId))) {
      throw new RoomError("forbidden", "The user is not in this room");
    }
    if (to === roomId) throw new RoomError("invalid_input", "The user is in that room already");
    // A crash left this open: first find out how it ended.
    if (session.leaving && !this.#active.has(session)) await this.#callBack(session);
    if (session.leaving) throw new RoomError("forbidden", "The user is on the way to another room already");
    const transferId = crypto.randomUUID();
    session.leaving = { to, transferId };
    session.row.changed(true);
    persistence.save();
    // If this dies, the alarm wakes it: perhaps nobody else does.
    if (this.#leaving.size === 0) this.#retryAt = clock.now() + RETRY;
    this.#leaving.add(session);
    this.#active.add(session);
    this.#scope.arm();
    try {
      const token = await this.#carry(session, state);
      this.#scope.leaving(session);
      this.#departures.note(session.id, { to, transferId });
      this.#remove(session);
      return token;
    } finally {
      this.#active.delete(session);
      this.#scope.arm();
    }
  }

  /** Sends the user until the other room has them as they are: others may change them meanwhile. */
  async #carry(session: Session, state: unknown): Promise<string> {
    for (;;) {
      const user = this.#scope.presence.stored(session.publicId);
      const boarding = await this.#board(session, user, state);
      if (!boarding.ok) {
        this.#stay(session);
        throw new RoomError(boarding.code, boarding.message);
      }
      if (JSON.stringify(this.#scope.presence.stored(session.publicId)) === JSON.stringify(user)) return boarding.token;
    }
  }

  async #board(session: Session, user: Snapshot | null, state: unknown): Promise<Boarding> {
    const { leaving } = session;
    if (!leaving) throw new RoomError("internal", "The transfer was called back");
    const passenger = this.#passengers.of(session, leaving.transferId, user, state);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#scope.neighbours.board(leaving.to, passenger);
      } catch (error) {
        // It may have arrived all the same: calling it back later tells.
        if (attempt === ATTEMPTS) throw new RoomError("internal", "The other room did not answer", { cause: error });
      }
    }
  }

  /** Takes a user in who comes from another room. */
  async board(passenger: Passenger): Promise<Boarding> {
    try {
      return { ok: true, token: await this.#admit(passenger) };
    } catch (thrown) {
      const { code, message } = toRoomError(thrown);
      if (code === "internal") this.#scope.failed("board_failed", thrown);
      return { ok: false, code, message };
    }
  }

  async #admit(passenger: Passenger): Promise<string> {
    const { sessions, presence, clock, compiled } = this.#scope;
    const { transferId, sessionId, sub } = passenger;
    this.#refuseIfEnded(transferId);
    const before = sessions.claim(sessionId, sub);
    // It arrived and goes on here: what is sent again is older.
    if (before?.transferId === transferId && before.expectedUntil === undefined) return this.#issue(passenger);
    presence.checkSpace(before);
    const publicId = before?.publicId ?? sessions.freePublicId(passenger.publicId);
    const user = await this.#passengers.restore(passenger, publicId);
    // While the hook ran, the room may have filled up, or the transfer been called back.
    this.#refuseIfEnded(transferId);
    presence.checkSpace(sessions.claim(sessionId, sub));
    const known = sessions.find(sessionId);
    const session = known ?? sessions.create(sessionId, sub, publicId);
    if (session.transferId !== undefined && session.transferId !== transferId) this.#end(session.transferId, ARRIVED);
    this.#departures.forget(sessionId);
    session.transferId = transferId;
    session.connState = passenger.state;
    session.leaving = undefined;
    this.#leaving.delete(session);
    if (!presence.isOnline(session)) {
      session.expectedUntil = clock.now() + compiled.settings.transferExpiryTime;
      sessions.offline(session);
    }
    session.row.changed(true);
    if (user) presence.loadUser(session.publicId, user);
    return this.#confirm(passenger, session, !known);
  }

  /** The other room lets go of whoever is stored here, and keeps who is not: they must not be in both. */
  #confirm(passenger: Passenger, session: Session, isNew: boolean): string {
    const { persistence } = this.#scope;
    persistence.save();
    try {
      if (persistence.isFailing) throw new RoomError("internal", "The room cannot store the user");
      return this.#issue(passenger);
    } catch (error) {
      if (isNew) {
        session.transferId = undefined;
        this.#remove(session);
      }
      throw error;
    }
  }

  /** Calls a transfer back, unless its user has arrived. */
  recall(transferId: string, sessionId: string): Recall {
    const ended = this.#moved.get(transferId);
    if (ended) return ended;
    const session = this.#scope.sessions.find(sessionId);
    const isHere = session?.transferId === transferId;
    if (isHere && session.expectedUntil === undefined) return { arrived: true, passenger: null };
    const user = isHere ? this.#scope.presence.stored(session.publicId) : null;
    const passenger = isHere ? this.#passengers.of(session, transferId, user, session.connState) : null;
    // Kept with the answer: the other room may ask again, if it dies before it has stored the user.
    this.#end(transferId, { arrived: false, passenger });
    if (isHere) {
      session.transferId = undefined;
      this.#remove(session);
    }
    return { arrived: false, passenger };
  }

  /** A user who left comes back without having arrived. @returns a promise if they have to be called back */
  welcomeBack(sessionId: string): Promise<void> | undefined {
    return this.#departures.welcomeBack(sessionId);
  }

  /**
   * The session that a client means, who came with a token, an id, or both.
   * @throws RoomError `forbidden` if the token is not valid, or is somebody else's
   */
  sessionOf(token: string, id: string | undefined): string {
    const known = this.#tokens.get(token);
    const { sessions } = this.#scope;
    const session = known && sessions.find(known.sessionId);
    // One of a transfer that was called back stays without use, though the user came later. 0.1.0 stored no transfer.
    const isValid = session !== undefined && (known?.transferId ?? session.transferId) === session.transferId;
    if (isValid && (id === undefined || id === session.id)) return session.id;
    // A client that reconnects comes with the same URL; its id alone lets it in.
    if (!isValid && id !== undefined && sessions.find(id)) return id;
    throw new RoomError("forbidden", "The transfer token is not valid");
  }

  /** The token has let its user in: it works once. */
  spend(token: string): void {
    this.#tokens.delete(token);
  }

  due(): number | undefined {
    const times = [this.#tokens, this.#moved].map((ledger) => ledger.due() ?? Infinity);
    const due = Math.min(...times, this.#leaving.size > 0 ? this.#retryAt : Infinity);
    return due === Infinity ? undefined : due;
  }

  async run(now: number): Promise<void> {
    for (const ledger of [this.#tokens, this.#moved]) ledger.purge(now);
    this.#retryAt = now + RETRY;
    for (const session of this.#leaving) await this.#callBack(session);
  }

  async #callBack(session: Session): Promise<void> {
    const { leaving } = session;
    // While others were called back, it may have set out anew, or gone.
    if (!leaving || this.#active.has(session)) return;
    try {
      const { arrived } = await this.#scope.neighbours.recall(leaving.to, leaving.transferId, session.id);
      if (session.leaving !== leaving) return;
      if (arrived) this.#remove(session);
      else this.#stay(session);
    } catch (error) {
      this.#scope.failed("recall_failed", error);
    }
  }

  #stay(session: Session): void {
    this.#leaving.delete(session);
    session.leaving = undefined;
    if (this.#isOver(session)) return;
    session.row.changed(true);
    this.#scope.persistence.save();
  }

  #remove(session: Session): void {
    const { presence, sessions, persistence } = this.#scope;
    if (session.transferId !== undefined) this.#end(session.transferId, ARRIVED);
    this.#leaving.delete(session);
    // Whoever still waits for it sees that it is over.
    session.leaving = undefined;
    if (this.#isOver(session)) return;
    sessions.remove(session);
    presence.expire(session);
    persistence.save();
  }

  /** Whether it ran out on the way. By now there may be another one with its id. */
  #isOver(session: Session): boolean {
    return this.#scope.sessions.find(session.id) !== session;
  }

  #refuseIfEnded(transferId: string): void {
    if (this.#moved.get(transferId)) throw new RoomError("forbidden", "This transfer has ended");
  }

  #end(transferId: string, recall: Recall): void {
    this.#moved.set(transferId, recall);
    this.#scope.arm();
  }

  #issue({ sessionId, transferId }: Passenger): string {
    const token = randomToken();
    this.#tokens.set(token, { sessionId, transferId });
    this.#scope.arm();
    return token;
  }
}
