import type { Connections } from "../connections/connections.ts";
import type { Hooks } from "../handlers/hooks.ts";
import type { Session } from "../sessions/sessions.ts";
import type { RowChecks } from "../storage/runtime-rows.ts";
import type { OwnRows } from "../timing/room-part.ts";
import type { ArrivalScope } from "./arrivals.ts";
import type { PackingScope } from "./user-packing.ts";
import type { Tree } from "../../state/tree.ts";
import type { RecallAnswer, TransferAnswer, TransferredUser } from "./messages.ts";

/** The parts of the room that moving users needs. */
export interface TransferScope extends ArrivalScope, PackingScope {
  readonly tree: Tree;
  readonly hooks: Hooks;
  readonly connections: Connections;
}

/** How a room moves users to other rooms, and accepts users: `Transfers`, or `NoTransfers`. */
export interface UserTransfers {
  load(rows: OwnRows): void;
  /** Moves a user to another room. @returns the token to connect there with */
  depart(session: Session | undefined, state: unknown, to: string): Promise<string>;
  /** Accepts a user from another room. */
  board(passenger: TransferredUser): Promise<TransferAnswer>;
  /** Recalls a transfer, unless its user has arrived. */
  recall(transferId: string, sessionId: string, isKept?: boolean): RecallAnswer;
  /** A user who left returns without having arrived. @returns a promise if they have to be recalled */
  welcomeBack(clientId: string, sub: string | undefined): Promise<void> | undefined;
  /** The id of the client of a token. @throws RoomError `forbidden` if the token is invalid */
  sessionOf(token: string, clientId: string | undefined, sub: string | undefined): string;
  /** The token's user has arrived: it works once. */
  spend(token: string): void;
  /** Deletes everything about the transfers of a user. */
  forget(publicId: string, session: Session | undefined): void;
  /** A user from another room has arrived. */
  confirm(session: Session): void;
  /** A user who moved to another room has arrived there. */
  arrivedElsewhere(transferId: string, client: Pick<Session, "clientId" | "sub">): void;
}

/** The code of transfers that rooms use. */
export interface TransferParts {
  create(scope: TransferScope): UserTransfers;
  /** The checks of their rows. */
  readonly rowChecks: RowChecks;
}
