import { RoomError } from "../../protocol/errors.ts";
import type { Alarms, Wakeable } from "../timing/alarms.ts";
import type { OwnRows, RoomPart } from "../timing/room-part.ts";
import { ExpiringRows } from "../storage/expiring-rows.ts";
import type { UserPacking } from "./user-packing.ts";
import type { Reporter } from "../handlers/reporter.ts";
import type { Persistence } from "../storage/persistence.ts";
import type { Clock, Storage } from "../../platform/ports.ts";
import type { Presence } from "../sessions/presence.ts";
import { firstKey, secondKey } from "../sessions/session-keys.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
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
  /** The id that their client comes with, and the `sub` of its token, or null. 0.1.0 stored neither: its key is the id. */
  readonly sessionId?: string;
  readonly sub?: string | null;
}

/** Whose client it is that comes back. */
type Client = Pick<Session, "clientId" | "sub">;

/** Users who left: each comes back as they were, unless they have arrived where they went. */
export class Departures implements RoomPart, Wakeable {
  readonly #scope: DepartureScope;
  readonly #packing: UserPacking;
  /** By session: under the key of the first who has its id, or of a second with another `sub`. */
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

  /** They came from another room. A note that cannot be deleted is of a transfer that has ended: it brings nobody back. */
  arrived(client: Client): void {
    const key = this.#keyOf(client);
    try {
      if (key !== undefined) this.#forget(key);
    } catch (error) {
      this.#scope.reporter.failed("forget_failed", error);
    }
  }

  /** They are here again. */
  #forget(key: string): void {
    this.#departed.delete(key);
    this.#returning.delete(key);
  }

  /** Where it is noted that a client left: nobody else can change that. */
  #keyOf({ clientId, sub }: Client): string | undefined {
    const keys = [firstKey(clientId), secondKey(clientId, sub)];
    return keys.find((key) => {
      const departed = this.#departed.get(key);
      return departed && (departed.sub === undefined || departed.sub === (sub ?? null));
    });
  }

  /**
   * A user who left comes back without having arrived.
   * @returns a promise if they have to be called back. It rejects with RoomError `forbidden` if they came by another
   * connection meanwhile, and went elsewhere
   */
  welcomeBack(client: Client): Promise<void> | undefined {
    // Most rooms that are joined were left by nobody.
    if (this.#departed.size === 0) return undefined;
    const key = this.#keyOf(client);
    if (key === undefined || this.#isHere(client)) return undefined;
    this.#expect(key);
    return this.#fetchBack(key).then(() => this.#welcomeAgain(client));
  }

  #isHere({ clientId, sub }: Client): boolean {
    return this.#scope.sessions.of(clientId, sub) !== undefined;
  }

  /** They may have come and left again meanwhile, by another connection. */
  async #welcomeAgain(client: Client): Promise<void> {
    const recall = this.welcomeBack(client);
    if (!recall) return;
    await recall;
    if (this.#isHere(client)) return;
    throw new RoomError("forbidden", "The user went to another room meanwhile");
  }

  due(): number | undefined {
    return this.#returning.size > 0 ? this.#retryAt : this.#departed.due();
  }

  /** @throws what fetching one of them threw, after the others were tried too */
  async run(now: number): Promise<void> {
    this.#departed.purge(now);
    const fetched = await Promise.allSettled(Array.from(this.#returning, (key) => this.#fetchBack(key)));
    const failure = fetched.find(({ status }) => status === "rejected");
    if (failure?.status === "rejected") throw failure.reason;
  }

  /** Stored first: the other room lets go of them, and if its answer is lost, nobody else would ask again. */
  #expect(key: string): void {
    const departed = this.#departed.get(key);
    if (!departed || departed.isReturning) return;
    if (this.#returning.size === 0) this.#retryAt = this.#scope.clock.now() + RETRY;
    this.#departed.set(key, { ...departed, isReturning: true });
    this.#returning.add(key);
    this.#scope.alarms.arm(this);
  }

  async #fetchBack(key: string): Promise<void> {
    const departed = this.#departed.get(key);
    if (!departed) return void this.#returning.delete(key);
    const { to, transferId, sessionId = key } = departed;
    const { passenger } = await this.#scope.ports.neighbours.recall(to, transferId, sessionId);
    // Others asked too, and that is over.
    if (this.#departed.get(key) !== departed) return;
    if (passenger && !this.#isHere({ clientId: sessionId, sub: passenger.sub })) this.#takeBack(sessionId, passenger);
    // Last of all: where something fails, they can still come back later.
    this.#forget(key);
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
