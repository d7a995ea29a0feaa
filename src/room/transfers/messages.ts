import type { Snapshot } from "../../define/types.ts";
import type { ErrorCode } from "../../protocol/codes.ts";

/** A user in transfer. Plain data: it is sent between objects, and between versions. */
export interface TransferredUser {
  /** The same for each attempt. */
  readonly transferId: string;
  readonly sessionId: string;
  readonly publicId: string;
  readonly sub: string | undefined;
  /** The stored values of the user. Null in a room without users. */
  readonly user: Snapshot | null;
  /** The state of the connection. */
  readonly state: unknown;
  /** The room that sends them, which has to know when they have arrived. Earlier versions do not send it. */
  readonly from?: string;
  /** The definition that stored the user. Missing in versions that have none. */
  readonly origin?: Origin;
}

/**
 * The definition by which a user was stored. For minutes after a deploy, two rooms may run different versions of it.
 */
export interface Origin {
  readonly path: string;
  readonly version: number;
  /** The path of the `users` field. Empty without one. */
  readonly users: readonly string[];
}

/** The other room's answer. Errors are data, since a thrown error loses its code between objects. */
export type TransferAnswer =
  /** `isHere`: the user's client is already there. Earlier versions do not send it. */
  | { readonly ok: true; readonly token: string; readonly isHere?: boolean }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

/** Whether a recalled user had arrived. If not, it contains the user. */
export interface RecallAnswer {
  readonly arrived: boolean;
  readonly passenger: TransferredUser | null;
}

/** How a room reaches other rooms of its party. Clients cannot use it: these are calls between objects. */
export interface OtherRooms {
  board(roomId: string, passenger: TransferredUser): Promise<TransferAnswer>;
  /**
   * @param isKept whether the room that asks has stored the user. Then the answer does not contain them. 0.1.0 does not
   * send it
   */
  recall(roomId: string, transferId: string, sessionId: string, isKept?: boolean): Promise<RecallAnswer>;
  /** A user from that room has arrived, so it no longer needs to remember them. */
  arrived(roomId: string, transferId: string, sessionId: string, sub: string | undefined): Promise<void>;
}

/** A random token of 256 bits. */
export function randomToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
