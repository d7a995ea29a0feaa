import { RoomError } from "../../protocol/errors.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { invalidToken } from "../sessions/session-keys.ts";
import type { TransferAnswer } from "./messages.ts";
import type { UserTransfers } from "./user-transfers.ts";

const NONE = 'This service has no transfers. Add transfers of "durable-rooms" to createRooms';

/** The transfers of a room in a service without them. Rows that an earlier version of the service stored are kept. */
export class NoTransfers implements UserTransfers {
  readonly #sessions: Sessions;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  async depart(): Promise<never> {
    throw new Error(`room.sessionTransfer: ${NONE}`);
  }

  async board(): Promise<TransferAnswer> {
    return { ok: false, code: "internal", message: NONE };
  }

  /** The room that asks tries again until it reaches a version with transfers. */
  recall(): never {
    throw new RoomError("internal", NONE);
  }

  /** A client that reconnects may still have the token of its first arrival in its URL. */
  sessionOf(_token: string, id: string | undefined, sub: string | undefined): string {
    if (id !== undefined && this.#sessions.of(id, sub)) return id;
    throw invalidToken();
  }

  welcomeBack(): undefined {}
  load(): void {}
  spend(): void {}
  forget(): void {}
  confirm(): void {}
  arrivedElsewhere(): void {}
}
