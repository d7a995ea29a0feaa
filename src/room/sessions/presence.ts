import type { Settings } from "../../define/settings.ts";
import { encodeDisconnected } from "../../protocol/packets.ts";
import { RoomError } from "../../protocol/errors.ts";
import { fieldOf } from "../../state/members.ts";
import { encodeKey } from "../../state/rows.ts";
import type { Row } from "../../state/rows.ts";
import type { Tree } from "../../state/tree.ts";
import type { Connections } from "../connections/connections.ts";
import { sendToAll, sendToSeers } from "../connections/send-to-all.ts";
import type { Clock } from "../../platform/ports.ts";
import type { Session, Sessions } from "./sessions.ts";

/** In a room with this many connections, all are told at once who left, after a pause in ms. */
const MANY = 50;
const PAUSE = 1000;

/** The users of the room, and which of them are online. It keeps users, sessions and `connected()` fields consistent. */
export class Presence {
  readonly #tree: Tree;
  readonly #connections: Connections;
  readonly #sessions: Sessions;
  readonly #clock: Clock;
  /** Sessions whose users are on their way to another room right now. */
  readonly takenOut = new Set<Session>();
  /** The sessions of users who were online when the room crashed, and who may still reconnect, by public id. */
  readonly #awaited = new Map<string, Session>();
  /** Users who left, of whom others were not told yet. */
  readonly #left = new Set<string>();
  readonly #limits: Pick<Settings, "maxUsers" | "maxConnectionsPerUser">;

  /** Told of each user whose session ended. */
  onGone: (publicId: string, user: object | undefined) => void = () => {};

  /** Called when all users who were awaited are back. */
  onAllReturned: () => void = () => {};

  constructor(
    tree: Tree,
    connections: Connections,
    sessions: Sessions,
    clock: Clock,
    limits: Pick<Settings, "maxUsers" | "maxConnectionsPerUser">,
  ) {
    this.#clock = clock;
    this.#tree = tree;
    this.#connections = connections;
    this.#sessions = sessions;
    this.#limits = limits;
    sessions.isEntering = (session) => this.isJoining(session);
    tree.onUser = (publicId) => this.showOnline(publicId);
  }

  get hasUsers(): boolean {
    return this.#tree.users !== undefined;
  }

  /** The names that lead to the `users` field. */
  get path(): readonly string[] {
    return this.#tree.users?.names() ?? [];
  }

  user(publicId: string): object | undefined {
    return this.#tree.users?.get(publicId);
  }

  /**
   * Begins the join of a client: as the user it was, or as a new one. Until {@link arrive}, a new user is there for
   * handlers only.
   * @throws RoomError `forbidden` if the session is somebody else's, `room_full` if there is no place, `rate_limited`
   * if the user has too many connections
   */
  enter(clientId: string, sub: string | undefined): Session {
    const known = this.#sessions.claim(clientId, sub);
    // Their transfer is about to end: a moment later it is known where they are.
    if (known && this.takenOut.has(known)) throw new RoomError("room_full", "The user is moving to another room");
    if (known) this.#checkConnections(known);
    this.checkSpace(known);
    const session = known ?? this.#sessions.create(clientId, sub);
    if (!known) session.isJoining = true;
    if (!known && sub === undefined) session.isIdle = true;
    try {
      if (!this.has(session)) this.#hold(session);
    } catch (error) {
      this.withdraw(session);
      throw error;
    }
    return session;
  }

  /** Handlers find a new user online already: nobody else sees them yet. */
  #hold({ publicId }: Session): void {
    this.#tree.hold(publicId);
    this.#setConnected(publicId, true);
  }

  /** Whether the user of a session is in the state, if the state has users. */
  has({ publicId }: Session): boolean {
    return !this.hasUsers || this.user(publicId) !== undefined;
  }

  /** A join is done: the user is online, and others see them. */
  arrive(session: Session): void {
    this.keep(session);
    this.#sessions.arrived(session);
    if (this.#awaited.delete(session.publicId) && this.#awaited.size === 0) this.onAllReturned();
    this.#setConnected(session.publicId, true);
  }

  /** A user stays, whatever becomes of their join: it is done, or another room has sent them here. */
  keep(session: Session): void {
    this.#tree.release(session.publicId);
    if (!session.isJoining) return;
    session.isJoining = false;
    session.row.changed(true);
  }

  /** A join was refused: unless another one of the same user is under way, nothing of it is left. */
  withdraw(session: Session): void {
    const isHere = this.#sessions.find(session.id) === session;
    if (!isHere || this.#connections.countOf(session.publicId) > 0) return;
    this.#tree.withdraw(session.publicId);
    this.#sessions.refused(session);
  }

  /**
   * The newest connection is refused, not the oldest closed: refusing costs the room nothing, and whoever connects again
   * and again cannot end the connections that the user works with.
   */
  #checkConnections({ publicId }: Session): void {
    if (this.#connections.countOf(publicId) < this.#limits.maxConnectionsPerUser) return;
    throw new RoomError("rate_limited", "The user has too many connections to this room");
  }

  isOnline(session: Session): boolean {
    return this.#connections.isOnline(session.publicId);
  }

  /** Whether a join of the user is under way. */
  isJoining({ publicId }: Session): boolean {
    return this.#connections.isJoining(publicId);
  }

  /**
   * Checks that there is a place for a session, or for a new one. Users who are on their way here count.
   * @throws RoomError `room_full`
   */
  checkSpace(session: Session | undefined): void {
    const { maxUsers } = this.#limits;
    if (maxUsers === Infinity) return;
    const now = this.#clock.now();
    if (session && (this.#hasPlace(session, now) || this.isJoining(session))) return;
    if (this.#placesTaken(now) >= maxUsers) throw new RoomError("room_full", "The room is full");
  }

  #hasPlace(session: Session, now: number): boolean {
    return this.isOnline(session) || (session.expectedUntil ?? 0) > now;
  }

  #placesTaken(now: number): number {
    const joining = new Set<Session>();
    for (const { sessionId } of this.#connections.joining) {
      const session = this.#sessions.find(sessionId);
      if (session && !this.#hasPlace(session, now)) joining.add(session);
    }
    return this.#connections.userCount + this.#sessions.expected(now) + joining.size;
  }

  /**
   * Rows that nobody could ever use if those of their sessions were not stored: of users, and of details.
   * @param stuck rows that cannot be stored
   */
  dependents(stuck: ReadonlySet<Row>): (key: string) => boolean {
    const lost = [...this.#sessions.all()].filter(({ row }) => stuck.has(row));
    if (lost.length === 0) return () => false;
    const owners = new Set(lost.flatMap(({ publicId, detailsRow }) => [this.rowOf(publicId), detailsRow?.key]));
    const depth = this.path.length + 1;
    return (key) => owners.has(key) || owners.has(key.split(".", depth).join("."));
  }

  /** The key of a user's row. */
  rowOf(publicId: string): string {
    return encodeKey([...this.path, publicId]);
  }

  /** Puts a user back who was in the state before, in place of whoever is there; or nobody. */
  putBack(publicId: string, user: object | undefined): void {
    const users = this.#tree.users?.signal();
    if (!users || this.user(publicId) === user) return;
    if (user) users[publicId] = user;
    else delete users[publicId];
  }

  /** The last connection of a user closed. */
  leave(session: Session): void {
    if (!this.#setConnected(session.publicId, false)) this.#tellLeft(session.publicId);
    // This may remove the user, if too many are away.
    this.#sessions.offline(session);
  }

  /** If many leave at once, most of those who would be told of it are about to leave too. */
  #tellLeft(publicId: string): void {
    const { size } = this.#connections;
    if (size < MANY || this.#tree.users?.audienceOf(publicId)) return this.#tellSeers(publicId);
    this.#left.add(publicId);
    if (this.#left.size === 1) this.#clock.after(PAUSE, () => this.#tellAllLeft(), "leaves");
  }

  #tellAllLeft(): void {
    for (const publicId of this.#left) if (!this.#connections.isOnline(publicId)) this.#tellSeers(publicId);
    this.#left.clear();
  }

  /** Tells those who see a user that the user left. */
  #tellSeers(publicId: string): void {
    const text = encodeDisconnected(publicId);
    const near = this.user(publicId);
    if (!this.#tree.users?.audienceOf(publicId)) sendToAll(this.#connections, text);
    else if (near) sendToSeers(this.#connections, this.#tree, text, { near });
  }

  /** The session ran out, or went elsewhere: the user goes. */
  expire(session: Session): void {
    this.onGone(session.publicId, this.user(session.publicId));
    this.#tree.withdraw(session.publicId);
    const users = this.#tree.users?.signal();
    if (users && Object.hasOwn(users, session.publicId)) delete users[session.publicId];
  }

  /** After the room woke: a connection of the session is still there. @returns whether its user is too */
  found(session: Session): boolean {
    const user = this.user(session.publicId);
    if (this.hasUsers && !user) return false;
    this.#sessions.online(session);
    setConnected(user, true);
    return true;
  }

  /** After the room woke: users whose session says so are taken as online, as their clients were told. */
  assumeOnline(): void {
    const { clock } = this.#tree;
    // Storage has the same, so clients that reconnect get no change.
    this.#tree.goOn(0);
    // Users with a connection are already marked.
    for (const session of this.missing) {
      const { publicId } = session;
      this.#awaited.set(publicId, session);
      this.#setConnected(publicId, true);
    }
    this.#tree.goOn(clock);
  }

  /** The users without a socket. */
  get missing(): readonly Session[] {
    const isMissing = (session: Session) =>
      session.offlineSince === undefined && !session.isJoining && !this.isOnline(session);
    return [...this.#sessions.all()].filter(isMissing);
  }

  /** Users who did not reconnect leave. */
  dropMissing(): void {
    for (const session of this.missing) this.leave(session);
    this.#awaited.clear();
  }

  /** Shows a user who came into the state as online, if they are. */
  showOnline(publicId: string): void {
    const awaited = this.#awaited.get(publicId);
    // An awaited session may have gone offline, as when its user arrives from another room.
    const isAwaited = awaited !== undefined && awaited.offlineSince === undefined;
    this.#setConnected(publicId, this.#connections.isOnline(publicId) || isAwaited);
  }

  #setConnected(publicId: string, isConnected: boolean): boolean {
    return setConnected(this.user(publicId), isConnected);
  }
}

/** @returns whether others see it */
function setConnected(user: object | undefined, isConnected: boolean): boolean {
  const flags = Object.values(user ?? {}).filter((value) => fieldOf(value)?.kind === "connected");
  for (const flag of flags) (flag as { set(value: boolean): void }).set(isConnected);
  return flags.length > 0;
}
