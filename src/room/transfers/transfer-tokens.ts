import type { OwnRows } from "../timing/room-part.ts";
import { ExpiringRows } from "../storage/expiring-rows.ts";
import type { Clock, Storage } from "../../platform/ports.ts";
import { belongsToOthers, invalidToken } from "../sessions/session-keys.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import { randomToken } from "./messages.ts";

/** Which session has a token, and of which transfer it is. 0.1.0 stored no transfer. */
interface IssuedTo {
  readonly sessionId: string;
  readonly transferId?: string;
}

/** The tokens of transfers to this room: each lets its user in once, and for a time. */
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
   * The id of a client that came with a token of a transfer, and maybe with an id.
   * @param sub that of its JWT
   * @param isExpected whether it is let in as a new user, since the room that its user went to does not answer
   * @throws RoomError `forbidden` if the token is not valid, or is somebody else's
   */
  sessionOf(token: string, id: string | undefined, sub: string | undefined, isExpected: boolean): string {
    const session = this.#find(token);
    if (session && session.sub !== sub) throw belongsToOthers();
    if (session && (id === undefined || id === session.clientId)) return session.clientId;
    // A client that reconnects comes with the same URL; its id alone lets it in.
    if (!session && id !== undefined && (isExpected || this.#sessions.of(id, sub))) return id;
    throw invalidToken();
  }

  /** It has let its user in. */
  spend(token: string): void {
    this.#tokens.delete(token);
  }

  /** Forgets those of a transfer. */
  forget(transferId: string): void {
    for (const token of Array.from(this.#tokens.keys())) {
      if (this.#tokens.get(token)?.transferId === transferId) this.#tokens.delete(token);
    }
  }

  due(): number | undefined {
    return this.#tokens.due();
  }

  /** Forgets those that ran out. */
  purge(now: number): void {
    this.#tokens.purge(now);
  }

  #find(token: string): Session | undefined {
    const known = this.#tokens.get(token);
    const session = known && this.#sessions.find(known.sessionId);
    // One of a transfer that was called back stays without use, though the user came later.
    const isValid = session !== undefined && (known?.transferId ?? session.transferId) === session.transferId;
    return isValid ? session : undefined;
  }
}
