import type { Snapshot } from "../../define/types.ts";
import { ofKnownKind } from "../../state/marks.ts";
import type { Tree } from "../../state/tree.ts";
import type { Presence } from "../sessions/presence.ts";
import { randomId, sized } from "../sessions/sessions.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";

/** The parts of the room that users in transfer are in. */
interface UsersScope {
  readonly tree: Tree;
  readonly presence: Presence;
  readonly sessions: Sessions;
}

/** Takes users out of the state and the sessions of a room, and puts them in, as their stored values. */
export class MovingUsers {
  readonly #scope: UsersScope;

  constructor(scope: UsersScope) {
    this.#scope = scope;
  }

  /** A user as the definition makes them, who is not part of the state yet. @param stored of which kind they are */
  newUser(publicId: string, stored: Snapshot): object | undefined {
    return this.#scope.tree.users?.make(publicId, stored);
  }

  /** The values of a user that another definition stored. An unknown kind becomes the first kind. */
  ofKnownKind(stored: Snapshot): Snapshot {
    const { users } = this.#scope.tree;
    return users ? ofKnownKind(users.field.factory, stored) : stored;
  }

  /** Returns this public id if it is free, or a new one. */
  freePublicId(wanted: string): string {
    for (const { publicId } of this.#scope.sessions.all()) if (publicId === wanted) return randomId();
    return wanted;
  }

  /** The stored values of a user, with everything inside, or null if there are none. */
  stored(publicId: string): Snapshot | null {
    return this.#scope.tree.users?.snapshotOf(publicId) ?? null;
  }

  /** Puts a user into the state as they were stored, in place of whoever was there. */
  load(publicId: string, stored: Snapshot): void {
    const { presence, tree } = this.#scope;
    presence.putBack(publicId, undefined);
    tree.users?.load({ [publicId]: stored });
  }

  /** Sets the initial state of the connections of a session. */
  setConnState(session: Session, connState: unknown): void {
    const { sessions } = this.#scope;
    const { answers, ...before } = sessions.detailsOf(session);
    if (connState === before.connState) return;
    sessions.setDetails(session, { ...sized(connState), ...(answers && { answers }) });
  }

  /** @returns whether a row is one of those of a user: their session's, or what is stored of them */
  ownerOf({ row, detailsRow, publicId }: Session): (key: string) => boolean {
    const { presence } = this.#scope;
    const own = presence.rowOf(publicId);
    const isOfSession = (key: string) => key === row.key || key === detailsRow?.key;
    return (key) => isOfSession(key) || (presence.hasUsers && (key === own || key.startsWith(`${own}.`)));
  }

  /**
   * Takes a user out of the state, so that nobody can change them. In storage they stay.
   * @returns puts them back as they were, unless the entry exists again
   */
  takeOut(session: Session): () => void {
    const { presence, tree } = this.#scope;
    const { publicId } = session;
    const users = tree.users?.signal();
    const user = users?.[publicId];
    tree.quietly(() => delete users?.[publicId]);
    presence.takenOut.add(session);
    return () => {
      presence.takenOut.delete(session);
      if (users && user && !users[publicId]) {
        tree.quietly(() => (users[publicId] = user));
        tree.users?.added(publicId);
      }
      presence.showOnline(publicId);
    };
  }
}
