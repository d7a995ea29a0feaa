import type { Connections } from "../connections/connections.ts";
import type { Hooks } from "../handlers/hooks.ts";
import type { Session } from "../sessions/sessions.ts";
import type { OwnRows } from "../timing/room-part.ts";
import type { ArrivalScope } from "./arrivals.ts";
import type { RecallAnswer, TransferAnswer, TransferredUser } from "./messages.ts";

/** What moving users needs of the room. */
export interface TransferScope extends ArrivalScope {
  readonly identity: { readonly id: string };
  readonly hooks: Hooks;
  readonly connections: Connections;
}

/** How a room moves users to other rooms, and takes in those who come: `Transfers`, or `NoTransfers`. */
export interface UserTransfers {
  load(rows: OwnRows): void;
  /** Moves a user to another room. @returns the token to connect there with */
  depart(session: Session | undefined, state: unknown, to: string): Promise<string>;
  /** Takes a user in who comes from another room. */
  board(passenger: TransferredUser): Promise<TransferAnswer>;
  /** Calls a transfer back, unless its user has arrived. */
  recall(transferId: string, sessionId: string, isKept?: boolean): RecallAnswer;
  /** A user who left comes back without having arrived. @returns a promise if they have to be called back */
  welcomeBack(clientId: string, sub: string | undefined): Promise<void> | undefined;
  /** The id of the client that came with a token. @throws RoomError `forbidden` if the token is not valid */
  sessionOf(token: string, clientId: string | undefined, sub: string | undefined): string;
  /** The token has let its user in: it works once. */
  spend(token: string): void;
  /** Nothing is to be known any more of the transfers of a user. */
  forget(publicId: string, session: Session | undefined): void;
  /** A user has come whom another room sent. */
  confirm(session: Session): void;
  /** A user who went to another room has come there. */
  arrivedElsewhere(transferId: string, client: Pick<Session, "clientId" | "sub">): void;
}

/** Makes the transfers of a room. */
export type CreateTransfers = (scope: TransferScope) => UserTransfers;
