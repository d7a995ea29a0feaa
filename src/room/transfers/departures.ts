import { RoomError } from "../../protocol/errors.ts";
import type { Alarms, Wakeable } from "../timing/alarms.ts";
import type { OwnRows, RoomPart } from "../timing/room-part.ts";
import { ExpiringRows } from "../storage/expiring-rows.ts";
import type { UserPacking } from "./user-packing.ts";
import type { Reporter } from "../handlers/reporter.ts";
import type { Persistence } from "../storage/persistence.ts";
import type { Clock, Storage } from "../../platform/ports.ts";
import type { Presence } from "../sessions/presence.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { OtherRooms, TransferredUser } from "./messages.ts";

/** What bringing users back needs of the room. */
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

/** How long a room remembers how a transfer ended: longer than any room takes to ask again, in ms. */
export const MEMORY = 86_400_000;
/** After what time a transfer of which nobody knows how it ended is called back (again), in ms. */
export const RETRY = 5000;

/** Where a user went from this room, in case that they never arrive there and come back. */
interface Departed {
  readonly to: string;
  readonly transferId: string;
  /** They came back: whatever dies now, they are fetched from there. */
  readonly isReturning?: true;
}

/** Users who left: each comes back as they were, unless they have arrived where they went. */
export class Departures implements RoomPart, Wakeable {
  readonly #scope: DepartureScope;
  readonly #packing: UserPacking;
  /** By session. */
  readonly #departed: ExpiringRows<Departed>;
  readonly #returning = new Set<string>();
  #retryAt = 0;

  constructor(scope: DepartureScope, packing: UserPacking) {
    this.#scope = scope;
    this.#packing = packing;
    this.#departed = new ExpiringRows("departed", MEMORY, scope.storage, scope.clock);
  }

  load(rows: OwnRows): void {
    this.#departed.load(rows);
    for (const id of this.#departed.keys()) if (this.#departed.get(id)?.isReturning) this.#returning.add(id);
  }

  note(sessionId: string, departed: Departed): void {
    this.#returning.delete(sessionId);
    this.#departed.set(sessionId, departed);
    this.#scope.alarms.arm(this);
  }

  /** They came from another room. A note that cannot be deleted is of a transfer that has ended: it brings nobody back. */
  arrived(sessionId: string): void {
    try {
      this.forget(sessionId);
    } catch (error) {
      this.#scope.reporter.failed("forget_failed", error);
    }
  }

  /** They are here again. */
  forget(sessionId: string): void {
    this.#departed.delete(sessionId);
    this.#returning.delete(sessionId);
  }

  /**
   * A user who left comes back without having arrived.
   * @returns a promise if they have to be called back. It rejects with RoomError `forbidden` if they came by another
   * connection meanwhile, and went elsewhere
   */
  welcomeBack(sessionId: string): Promise<void> | undefined {
    const departed = this.#departed.get(sessionId);
    if (!departed || this.#scope.sessions.find(sessionId)) return undefined;
    // Stored first: the other room lets go of them, and if its answer is lost, nobody else would ask again.
    if (!departed.isReturning) this.#expect(sessionId, departed);
    return this.#fetchBack(sessionId).then(() => this.#welcomeAgain(sessionId));
  }

  /** They may have come and left again meanwhile, by another connection. */
  async #welcomeAgain(sessionId: string): Promise<void> {
    const recall = this.welcomeBack(sessionId);
    if (!recall) return;
    await recall;
    if (this.#scope.sessions.find(sessionId)) return;
    throw new RoomError("forbidden", "The user went to another room meanwhile");
  }

  due(): number | undefined {
    return this.#returning.size > 0 ? this.#retryAt : this.#departed.due();
  }

  /** @throws what fetching one of them threw, after the others were tried too */
  async run(now: number): Promise<void> {
    this.#departed.purge(now);
    const fetched = await Promise.allSettled(Array.from(this.#returning, (id) => this.#fetchBack(id)));
    const failure = fetched.find(({ status }) => status === "rejected");
    if (failure?.status === "rejected") throw failure.reason;
  }

  #expect(sessionId: string, departed: Departed): void {
    if (this.#returning.size === 0) this.#retryAt = this.#scope.clock.now() + RETRY;
    this.#departed.set(sessionId, { ...departed, isReturning: true });
    this.#returning.add(sessionId);
    this.#scope.alarms.arm(this);
  }

  async #fetchBack(sessionId: string): Promise<void> {
    const departed = this.#departed.get(sessionId);
    if (!departed) return void this.#returning.delete(sessionId);
    const { to, transferId } = departed;
    const { passenger } = await this.#scope.ports.neighbours.recall(to, transferId, sessionId);
    // Others asked too, and that is over.
    if (this.#departed.get(sessionId) !== departed) return;
    if (passenger && !this.#scope.sessions.find(sessionId)) this.#takeBack(sessionId, passenger);
    // Last of all: where something fails, they can still come back later.
    this.forget(sessionId);
    if (passenger) this.#release(to, transferId, sessionId);
  }

  /** Tells the other room that it need not keep the user any more. If it never hears, it does so for a day. */
  #release(to: string, transferId: string, sessionId: string): void {
    const { ports, reporter } = this.#scope;
    ports.neighbours
      .recall(to, transferId, sessionId, true)
      .catch((error: unknown) => reporter.failed("release_failed", error));
  }

  /** @throws if they cannot be stored, or loaded: then they are not here */
  #takeBack(sessionId: string, passenger: TransferredUser): void {
    const { sessions, presence, persistence } = this.#scope;
    const user = this.#packing.unpack(passenger);
    const session = sessions.create(sessionId, passenger.sub, sessions.freePublicId(passenger.publicId));
    sessions.setConnState(session, passenger.state);
    sessions.offline(session);
    if (user) presence.loadUser(session.publicId, user);
    if (persistence.saveTogether(presence.ownerOf(session))) return;
    sessions.remove(session);
    presence.expire(session);
    persistence.save();
    throw new Error("The room cannot store the user");
  }
}
