import { encodeDisconnected } from "../protocol/packets.ts";
import { RoomError } from "../protocol/errors.ts";
import { fieldOf } from "../state/fields.ts";
import type { Tree } from "../state/tree.ts";
import type { Connections } from "./connections.ts";
import type { Session, Sessions } from "./sessions.ts";

/** Who is in the room, and who of them is online: keeps users, sessions and `connected()` fields in step. */
export class Presence {
  readonly #tree: Tree;
  readonly #connections: Connections;
  readonly #sessions: Sessions;
  readonly #maxUsers: number;

  constructor(tree: Tree, connections: Connections, sessions: Sessions, maxUsers: number) {
    this.#tree = tree;
    this.#connections = connections;
    this.#sessions = sessions;
    this.#maxUsers = maxUsers;
    tree.onUser = (publicId) => this.#setConnected(publicId, connections.isOnline(publicId));
  }

  get hasUsers(): boolean {
    return this.#tree.users !== undefined;
  }

  user(publicId: string): object | undefined {
    return this.#tree.users?.get(publicId);
  }

  /**
   * Lets a client in: as the user it was, or as a new one.
   * @throws RoomError `forbidden` if the session is somebody else's, `room_full` if there is no place
   */
  enter(sessionId: string, sub: string | undefined): Session {
    const known = this.#sessions.claim(sessionId, sub);
    const isOnline = known !== undefined && this.#connections.isOnline(known.publicId);
    if (!isOnline && this.#connections.userCount >= this.#maxUsers)
      throw new RoomError("room_full", "The room is full");
    const session = known ?? this.#sessions.create(sessionId, sub);
    this.#sessions.online(session);
    if (this.#tree.users && !this.user(session.publicId)) this.#tree.users.create(session.publicId);
    this.#setConnected(session.publicId, true);
    return session;
  }

  /** The last connection of a user closed. */
  leave(session: Session): void {
    this.#sessions.offline(session);
    if (this.#setConnected(session.publicId, false)) return;
    const text = encodeDisconnected(session.publicId);
    for (const conn of this.#connections.all()) conn.deliver(text);
  }

  /** The session ran out: the user goes. */
  expire(session: Session): void {
    const users = this.#tree.users?.signal();
    if (users && Object.hasOwn(users, session.publicId)) delete users[session.publicId];
  }

  /** After the room woke: users whose session says so are taken as online, as their clients were told. */
  assumeOnline(): void {
    for (const session of this.#sessions.all()) {
      if (session.offlineSince === undefined) this.#setConnected(session.publicId, true);
    }
  }

  /** Then those without a socket leave: there are no ghosts. */
  dropGhosts(): void {
    for (const session of this.#sessions.all()) {
      if (session.offlineSince === undefined && !this.#connections.isOnline(session.publicId)) this.leave(session);
    }
  }

  #setConnected(publicId: string, isConnected: boolean): boolean {
    const user = this.user(publicId);
    const flags = Object.values(user ?? {}).filter((value) => fieldOf(value)?.kind === "connected");
    for (const flag of flags) (flag as { set(value: boolean): void }).set(isConnected);
    return flags.length > 0;
  }
}
