import type { Snapshot } from "../../define/types.ts";
import { RoomError } from "../../protocol/errors.ts";
import type { Alarms, Wakeable } from "../timing/alarms.ts";
import type { OwnRows, RoomPart } from "../timing/room-part.ts";
import { ExpiringRows } from "../storage/expiring-rows.ts";
import type { MovingUsers } from "./moving-users.ts";
import type { UserPacking } from "./user-packing.ts";
import type { Reporter } from "../handlers/reporter.ts";
import type { Persistence } from "../storage/persistence.ts";
import type { Clock, Storage } from "../../platform/ports.ts";
import { retry } from "../../platform/retry.ts";
import { within } from "../../platform/timeout.ts";
import type { Presence } from "../sessions/presence.ts";
import { firstKey, secondKey } from "../sessions/session-keys.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import type { OtherRooms, RecallAnswer, TransferredUser } from "./messages.ts";

/** The parts of the room that returning users need. */
export interface DepartureScope {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly presence: Presence;
  readonly persistence: Persistence;
  readonly ports: { readonly neighbours: OtherRooms };
  readonly alarms: Alarms;
  readonly reporter: Reporter;
}

/** How long a room remembers how a transfer ended, in ms: longer than any room takes to ask again. */
export const MEMORY = 86_400_000;
/** After this time an unresolved transfer is recalled (again), in ms. */
export const RETRY = 5000;
/** How long a user who returns waits for the room that they went to, in ms. */
const PATIENCE = 5000;
/** The same for a user who became a new user for that reason, and leaves again. */
const SHORT_PATIENCE = 1000;

/** Where a user went, in case they never arrive there and return. */
interface Departed {
  readonly to: string;
  readonly transferId: string;
  /** They have returned: after any crash they are fetched from there. */
  readonly isReturning?: true;
  /** The other room did not answer when they returned, so they are a new user until it does. */
  readonly hasStandIn?: true;
  /** The client's id, and the `sub` of its token or null. 0.1.0 stored neither: its key is the id. */
  readonly sessionId?: string;
  readonly sub?: string | null;
}

/** The client that returns. */
type Client = Pick<Session, "clientId" | "sub">;

/** A client that waits for the room that its user went to. */
interface Waiting extends Client {
  /** Its user was here meanwhile, and is in another room by now. */
  isOutdated: boolean;
}

/** Users who left. Each of them returns unchanged, unless they have arrived where they went. */
export class Departures implements RoomPart, Wakeable {
  readonly #scope: DepartureScope;
  readonly #packing: UserPacking;
  readonly #users: MovingUsers;
  /** By session: under the key of the first one with its id, or of a second one with another `sub`. */
  readonly #departed: ExpiringRows<Departed>;
  readonly #returning = new Set<string>();
  readonly #waiting = new Set<Waiting>();
  #retryAt = 0;

  constructor(scope: DepartureScope, packing: UserPacking, users: MovingUsers) {
    this.#scope = scope;
    this.#packing = packing;
    this.#users = users;
    this.#departed = new ExpiringRows("departed", MEMORY, scope.storage, scope.clock);
  }

  load(rows: OwnRows): void {
    this.#departed.load(rows);
    for (const key of this.#departed.keys()) if (this.#departed.get(key)?.isReturning) this.#returning.add(key);
  }

  note(client: Client, to: string, transferId: string): void {
    const { clientId, sub } = client;
    const first = firstKey(clientId);
    const key = this.#keyOf(client) ?? (this.#departed.get(first) ? secondKey(clientId, sub) : first);
    this.#departed.set(key, { to, transferId, sessionId: clientId, sub: sub ?? null });
    this.#returning.delete(key);
    this.#scope.alarms.arm(this);
  }

  /**
   * The user came from another room. A record that cannot be deleted belongs to an ended transfer, and returns no one.
   */
  arrived(client: Client): void {
    const key = this.#keyOf(client);
    try {
      if (key !== undefined) this.#forget(key);
    } catch (error) {
      this.#scope.reporter.failed("forget_failed", error);
    }
  }

  /** The user is here again. */
  #forget(key: string): void {
    this.#departed.delete(key);
    this.#returning.delete(key);
  }

  /** The key of a client's record. No other client can change it. */
  #keyOf({ clientId, sub }: Client): string | undefined {
    const keys = [firstKey(clientId), secondKey(clientId, sub)];
    return keys.find((key) => {
      const departed = this.#departed.get(key);
      return departed && (departed.sub === undefined || departed.sub === (sub ?? null));
    });
  }

  /**
   * A user who left returns without having arrived.
   * @returns a promise if they have to be recalled. If the other room does not answer, they may join nevertheless. It
   * rejects with RoomError `forbidden` if they returned by another connection meanwhile, and went elsewhere
   */
  welcomeBack(client: Client): Promise<void> | undefined {
    // Most rooms have no users who left.
    if (this.#departed.size === 0) return undefined;
    const key = this.#keyOf(client);
    if (key === undefined || this.#isHere(client)) return undefined;
    this.#expect(key);
    return this.#wait(key, { clientId: client.clientId, sub: client.sub, isOutdated: false });
  }

  async #wait(key: string, waiting: Waiting): Promise<void> {
    this.#waiting.add(waiting);
    try {
      await this.#fetchBack(key, PATIENCE);
    } finally {
      this.#waiting.delete(waiting);
    }
    await this.#welcomeAgain(waiting);
  }

  /**
   * A user who was here is in another room. A client that has waited since before that must not start as a new user
   * here.
   */
  movedOn({ clientId, sub }: Client): void {
    for (const waiting of this.#waiting) {
      if (waiting.clientId === clientId && waiting.sub === sub) waiting.isOutdated = true;
    }
  }

  /** Whether a client is a new user because the room that its user went to does not answer. */
  hasStandIn(client: Client): boolean {
    const key = this.#keyOf(client);
    return key !== undefined && this.#departed.get(key)?.hasStandIn === true;
  }

  /**
   * A user leaves again. If they are a new user for that reason, the other room is asked once more.
   * @throws RoomError `internal` if it does not answer, because the user's former values would be lost
   */
  async beforeDeparture(client: Client): Promise<void> {
    const key = this.#keyOf(client);
    if (key === undefined || !this.hasStandIn(client)) return;
    await this.#fetchBack(key, SHORT_PATIENCE);
    if (this.hasStandIn(client))
      throw new RoomError("internal", "The room that the user came back from does not answer");
  }

  /** A user has arrived where they went, so there is no one to recall. */
  arrivedElsewhere(transferId: string, client: Client): void {
    const key = this.#keyOf(client);
    const departed = key === undefined ? undefined : this.#departed.get(key);
    if (key !== undefined && departed?.transferId === transferId) {
      this.#settle(key, departed, { arrived: true, passenger: null });
    }
  }

  #isHere({ clientId, sub }: Client): boolean {
    return this.#scope.sessions.of(clientId, sub) !== undefined;
  }

  /**
   * The user may have returned and left again meanwhile by another connection, whether or not the first answer came. If
   * they have arrived there, the record is deleted.
   */
  async #welcomeAgain(waiting: Waiting): Promise<void> {
    const isIn = () => this.#isHere(waiting) || this.hasStandIn(waiting);
    if (isIn()) return;
    const recall = this.welcomeBack(waiting);
    if (recall) await recall;
    else if (!waiting.isOutdated) return;
    if (!isIn()) throw new RoomError("forbidden", "The user has moved to another room");
  }

  due(): number | undefined {
    return this.#returning.size > 0 ? this.#retryAt : this.#departed.due();
  }

  /** @throws the error of one of them, after the others were tried too */
  async run(now: number): Promise<void> {
    this.#departed.purge(now);
    const fetched = await Promise.allSettled(Array.from(this.#returning, (key) => this.#fetchBack(key)));
    const failure = fetched.find(({ status }) => status === "rejected");
    if (failure?.status === "rejected") throw failure.reason;
  }

  /** Stored first: the other room releases the user, and if its answer is lost, no one else would ask again. */
  #expect(key: string): void {
    const departed = this.#departed.get(key);
    if (!departed || departed.isReturning) return;
    if (this.#returning.size === 0) this.#retryAt = this.#scope.clock.now() + RETRY;
    this.#departed.set(key, { ...departed, isReturning: true });
    this.#returning.add(key);
    this.#scope.alarms.arm(this);
  }

  /**
   * Asks the room where a user went, and takes them back if they have not arrived there.
   * @param patience how long to ask, in ms. After that, they may join as a new user. Undefined to throw instead
   */
  async #fetchBack(key: string, patience?: number): Promise<void> {
    const departed = this.#departed.get(key);
    if (!departed) {
      this.#returning.delete(key);
      return;
    }
    const { clock, ports, reporter } = this.#scope;
    const { to, transferId, sessionId = key } = departed;
    const ask = () => ports.neighbours.recall(to, transferId, sessionId);
    let answer: RecallAnswer;
    try {
      answer = await (patience === undefined ? ask() : within(patience, retry(clock, patience, ask), noAnswer, clock));
    } catch (error) {
      if (patience === undefined) throw error;
      reporter.failed("recall_failed", error);
      this.#expectStandIn(key, transferId);
      return;
    }
    this.#settle(key, departed, answer);
  }

  #expectStandIn(key: string, transferId: string): void {
    const departed = this.#departed.get(key);
    if (departed?.transferId === transferId) this.#departed.set(key, { ...departed, hasStandIn: true });
  }

  #settle(key: string, { to, transferId, sessionId = key }: Departed, { arrived, passenger }: RecallAnswer): void {
    const departed = this.#departed.get(key);
    // Others asked too, and that is done.
    if (departed?.transferId !== transferId) return;
    const sub = passenger ? passenger.sub : (departed.sub ?? undefined);
    const here = this.#scope.sessions.of(sessionId, sub);
    const standIn = departed.hasStandIn && here;
    if (passenger && standIn) this.#replace(standIn, passenger);
    else if (passenger && !here) this.#takeBack(sessionId, passenger);
    else if (arrived && standIn) this.#dismiss(standIn);
    // Last: if something fails, they can still return later.
    this.#forget(key);
    if (passenger) this.#release(to, transferId, sessionId);
  }

  /** Removes a session with its user, who is in the other room or cannot be stored here. */
  #dismiss(session: Session): void {
    const { sessions, presence, persistence } = this.#scope;
    sessions.remove(session);
    presence.expire(session);
    persistence.save();
  }

  /** Replaces the new user by the returned one. @throws if they cannot be stored or loaded */
  #replace(standIn: Session, passenger: TransferredUser): void {
    if (!this.#load(standIn, passenger.state, this.#packing.unpack(passenger))) throw cannotStore();
  }

  /** Puts a user into the state under a session. @returns whether both are stored */
  #load(session: Session, state: unknown, user: Snapshot | null): boolean {
    this.#users.setConnState(session, state);
    if (user) this.#users.load(session.publicId, user);
    return this.#scope.persistence.saveTogether(this.#users.ownerOf(session));
  }

  /**
   * Tells the other room that it no longer needs to keep the user. If it does not learn of it, it keeps them for a day.
   */
  #release(to: string, transferId: string, sessionId: string): void {
    const { ports, reporter } = this.#scope;
    ports.neighbours
      .recall(to, transferId, sessionId, true)
      .catch((error: unknown) => reporter.failed("release_failed", error));
  }

  /** @throws if the user cannot be stored or loaded. Then they are not here */
  #takeBack(sessionId: string, passenger: TransferredUser): void {
    const { sessions } = this.#scope;
    const user = this.#packing.unpack(passenger);
    const session = sessions.create(sessionId, passenger.sub, this.#users.freePublicId(passenger.publicId));
    sessions.offline(session);
    if (this.#load(session, passenger.state, user)) return;
    this.#dismiss(session);
    throw cannotStore();
  }
}

function noAnswer(): Error {
  return new Error("The other room did not answer");
}

function cannotStore(): Error {
  return new Error("The room cannot store the user");
}
