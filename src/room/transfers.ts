import type { Snapshot } from "../define/types.ts";
import { RoomError, toRoomError } from "../protocol/errors.ts";
import type { Sleeper } from "./alarms.ts";
import type { Persistence } from "./persistence.ts";
import type { Clock, Storage } from "./ports.ts";
import type { Presence } from "./presence.ts";
import type { Session, Sessions } from "./sessions.ts";
import { PRIVATE_PREFIX } from "./stored-state.ts";
import { randomToken } from "./transfer.ts";
import type { Boarding, Neighbours, Passenger, Recall } from "./transfer.ts";

/** What moving users needs of the room. */
export interface TransferScope {
  readonly roomId: string;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly presence: Presence;
  readonly persistence: Persistence;
  readonly neighbours: Neighbours;
  /** Runs the developer's restore hook. */
  restore(passenger: Passenger, user: object | undefined, publicId: string): Promise<Snapshot>;
  /** The user is about to leave: tells the developer's hook. */
  leaving(session: Session): void;
  failed(event: string, error: unknown): void;
  /** Something is due at another time than before. */
  arm(): void;
}

const TOKEN_PREFIX = `${PRIVATE_PREFIX}token:`;
const MOVED_PREFIX = `${PRIVATE_PREFIX}moved:`;
const TOKEN_LIFE = 300_000;
/** How long a room remembers how a transfer ended: longer than any room takes to ask again. */
const MEMORY = 86_400_000;
const RETRY = 5000;
const ATTEMPTS = 3;

interface Token {
  readonly sessionId: string;
  readonly until: number;
}
interface Moved {
  readonly arrived: boolean;
  readonly until: number;
}

/**
 * Moves users between rooms, so that each is in exactly one of them whatever dies between any two steps.
 *
 * The room of departure notes where the user goes and keeps them until the room of arrival has them durably.
 * If it never learns (a crash, a lost answer), it later calls the transfer back: either the user has arrived
 * by then, and goes here; or they have not, and the other room forgets them and refuses that transfer for good.
 */
export class Transfers implements Sleeper {
  readonly #scope: TransferScope;
  readonly #tokens = new Map<string, Token>();
  readonly #moved = new Map<string, Moved>();
  /** Sessions whose transfer is being made right now. */
  readonly #active = new Set<Session>();
  #retryAt = 0;

  constructor(scope: TransferScope) {
    this.#scope = scope;
  }

  load(rows: Iterable<[key: string, value: unknown]>): void {
    for (const [key, value] of rows) {
      if (key.startsWith(TOKEN_PREFIX)) this.#tokens.set(key.slice(TOKEN_PREFIX.length), value as Token);
      if (key.startsWith(MOVED_PREFIX)) this.#moved.set(key.slice(MOVED_PREFIX.length), value as Moved);
    }
  }

  /** Moves a user to another room. @returns the token to connect there with */
  async depart(session: Session | undefined, state: unknown, to: string): Promise<string> {
    const { presence, roomId, persistence } = this.#scope;
    if (!session || (presence.hasUsers && !presence.user(session.publicId))) {
      throw new RoomError("forbidden", "The user is not in this room");
    }
    if (to === roomId) throw new RoomError("invalid_input", "The user is in that room already");
    if (session.leaving) throw new RoomError("forbidden", "The user is on the way to another room already");
    session.leaving = { to, transferId: crypto.randomUUID() };
    session.row.changed(true);
    persistence.save();
    this.#active.add(session);
    try {
      const token = await this.#carry(session, state);
      this.#scope.leaving(session);
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
    const { id: sessionId, publicId, sub, leaving } = session;
    if (!leaving) throw new RoomError("internal", "The transfer was called back");
    const passenger: Passenger = { transferId: leaving.transferId, sessionId, publicId, sub, user, state };
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
    const { sessions, presence, persistence, clock } = this.#scope;
    const { transferId, sessionId, sub } = passenger;
    this.#refuseIfEnded(transferId);
    const before = sessions.claim(sessionId, sub);
    // It arrived and goes on here: what is sent again is older.
    if (before?.transferId === transferId && before.expectedUntil === undefined) return this.#issue(sessionId);
    presence.checkSpace(before);
    const publicId = before?.publicId ?? sessions.freePublicId(passenger.publicId);
    const user = passenger.user && (await this.#scope.restore(passenger, presence.newUser(publicId), publicId));
    // While the hook ran, the room may have filled up, or the transfer been called back.
    this.#refuseIfEnded(transferId);
    presence.checkSpace(sessions.claim(sessionId, sub));
    const session = sessions.find(sessionId) ?? sessions.create(sessionId, sub, publicId);
    if (session.transferId !== undefined && session.transferId !== transferId) this.#end(session.transferId, true);
    session.transferId = transferId;
    session.connState = passenger.state;
    session.leaving = undefined;
    if (!presence.isOnline(session)) {
      session.expectedUntil = clock.now() + TOKEN_LIFE;
      sessions.offline(session);
    }
    session.row.changed(true);
    if (user) presence.loadUser(session.publicId, user);
    persistence.save();
    return this.#issue(sessionId);
  }

  /** Calls a transfer back, unless its user has arrived. */
  recall(transferId: string, sessionId: string): Recall {
    const ended = this.#moved.get(transferId);
    if (ended) return { arrived: ended.arrived };
    const session = this.#scope.sessions.find(sessionId);
    const arrived = session?.transferId === transferId && session.expectedUntil === undefined;
    if (!arrived) {
      this.#end(transferId, false);
      if (session?.transferId === transferId) {
        session.transferId = undefined;
        this.#remove(session);
      }
    }
    return { arrived };
  }

  /**
   * The session that a client means, who came with a token, an id, or both.
   * @throws RoomError `forbidden` if the token is not valid, or is somebody else's
   */
  redeem(token: string, id: string | undefined): string {
    const known = this.#tokens.get(token);
    const isValid = known !== undefined && known.until > this.#scope.clock.now();
    if (isValid && (id === undefined || id === known.sessionId)) {
      this.#forget(this.#tokens, TOKEN_PREFIX, token);
      return known.sessionId;
    }
    // A client that reconnects comes with the same URL; its id alone lets it in.
    if (!isValid && id !== undefined && this.#scope.sessions.find(id)) return id;
    throw new RoomError("forbidden", "The transfer token is not valid");
  }

  due(): number | undefined {
    const times = [...this.#tokens.values(), ...this.#moved.values()].map(({ until }) => until);
    if (this.#stranded().length > 0) times.push(this.#retryAt);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  async run(now: number): Promise<void> {
    for (const [token, { until }] of this.#tokens) if (until <= now) this.#forget(this.#tokens, TOKEN_PREFIX, token);
    for (const [id, { until }] of this.#moved) if (until <= now) this.#forget(this.#moved, MOVED_PREFIX, id);
    this.#retryAt = now + RETRY;
    for (const session of this.#stranded()) await this.#callBack(session);
  }

  /** Transfers of which nobody here knows how they ended. */
  #stranded(): Session[] {
    return [...this.#scope.sessions.all()].filter((session) => session.leaving && !this.#active.has(session));
  }

  async #callBack(session: Session): Promise<void> {
    const { leaving } = session;
    if (!leaving) return;
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
    session.leaving = undefined;
    session.row.changed(true);
    this.#scope.persistence.save();
  }

  #remove(session: Session): void {
    const { presence, sessions, persistence } = this.#scope;
    if (session.transferId !== undefined) this.#end(session.transferId, true);
    sessions.remove(session);
    presence.expire(session);
    persistence.save();
  }

  #refuseIfEnded(transferId: string): void {
    if (this.#moved.has(transferId)) throw new RoomError("forbidden", "This transfer has ended");
  }

  #end(transferId: string, arrived: boolean): void {
    const moved: Moved = { arrived, until: this.#scope.clock.now() + MEMORY };
    this.#moved.set(transferId, moved);
    this.#scope.storage.put(MOVED_PREFIX + transferId, moved);
    this.#scope.arm();
  }

  #issue(sessionId: string): string {
    const token = randomToken();
    const entry: Token = { sessionId, until: this.#scope.clock.now() + TOKEN_LIFE };
    this.#tokens.set(token, entry);
    this.#scope.storage.put(TOKEN_PREFIX + token, entry);
    this.#scope.arm();
    return token;
  }

  #forget(entries: Map<string, unknown>, prefix: string, key: string): void {
    entries.delete(key);
    this.#scope.storage.delete(prefix + key);
  }
}
