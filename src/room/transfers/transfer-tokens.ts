import type { OwnRows } from "../timing/room-part.ts";
import { ExpiringRows } from "../storage/expiring-rows.ts";
import type { Clock, Storage } from "../../platform/ports.ts";
import { belongsToOthers, invalidToken } from "../sessions/session-keys.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import { randomToken } from "./messages.ts";

/** The session and the transfer of a token. 0.1.0 stored no transfer. */
interface IssuedTo {
  readonly sessionId: string;
  readonly transferId?: string;
}

/** The tokens of transfers to this room. Each works once for its user, and for a limited time. */
export class TransferTokens {
  readonly #sessions: Sessions;
  /** By token. */
  readonly #tokens: ExpiringRows<IssuedTo>;

  /** @param life how long a token works, in ms */
  constructor(sessions: Sessions, life: number, storage: Storage, clock: Clock) {
    this.#sessions = sessions;
    this.#tokens = new ExpiringRows("token", life, storage, clock);
  }

  load(rows: OwnRows): void {
    this.#tokens.load(rows);
  }

  /** @returns a new token */
  issue({ id: sessionId }: Session, transferId: string): string {
    const token = randomToken();
    this.#tokens.set(token, { sessionId, transferId });
    return token;
  }

  /**
   * The id of a client with a transfer token, and maybe an id.
   * @param sub the `sub` of its JWT
   * @param isExpected whether it is a new user because the room that its user went to does not answer
   * @throws RoomError `forbidden` if the token is invalid, or belongs to another user
   */
  sessionOf(token: string, id: string | undefined, sub: string | undefined, isExpected: boolean): string {
    const session = this.#find(token);
    if (session && session.sub !== sub) throw belongsToOthers();
    if (session && (id === undefined || id === session.clientId)) return session.clientId;
    // A client that reconnects has the same URL. Its id alone is sufficient.
    if (!session && id !== undefined && (isExpected || this.#sessions.of(id, sub))) return id;
    throw invalidToken();
  }

  /** Its user has arrived. */
  spend(token: string): void {
    this.#tokens.delete(token);
  }

  /** Deletes the tokens of a transfer. */
  forget(transferId: string): void {
    for (const token of Array.from(this.#tokens.keys())) {
      if (this.#tokens.get(token)?.transferId === transferId) this.#tokens.delete(token);
    }
  }

  due(): number | undefined {
    return this.#tokens.due();
  }

  /** Deletes expired tokens. */
  purge(now: number): void {
    this.#tokens.purge(now);
  }

  #find(token: string): Session | undefined {
    const known = this.#tokens.get(token);
    const session = known && this.#sessions.find(known.sessionId);
    // The token of a cancelled transfer does not work, even if the user arrived later.
    const isValid = session !== undefined && (known?.transferId ?? session.transferId) === session.transferId;
    return isValid ? session : undefined;
  }
}
