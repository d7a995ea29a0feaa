import type { Snapshot } from "../../define/types.ts";
import type { ErrorCode } from "../../protocol/codes.ts";

/** A user on the way to another room. Plain data: it crosses between objects, and between deploys. */
export interface TransferredUser {
  /** The same however often it is sent. */
  readonly transferId: string;
  readonly sessionId: string;
  readonly publicId: string;
  readonly sub: string | undefined;
  /** What was stored of the user; null in a room without users. */
  readonly user: Snapshot | null;
  /** The state of the connection. */
  readonly state: unknown;
  /** The room that sends them: it wants to know when they have come. Earlier versions do not say. */
  readonly from?: string;
  /** What stored the user. Absent where that knew of no versions. */
  readonly origin?: Origin;
}

/** The definition by which a user was stored. For minutes after a deploy, two rooms may run two versions of it. */
export interface Origin {
  readonly path: string;
  readonly version: number;
  /** The names that lead to the `users` field; none without one. */
  readonly users: readonly string[];
}

/** The other room's answer. An error is data here, since one that is thrown loses its code on the way. */
export type TransferAnswer =
  /** `isHere`: the user's client is there already. Earlier versions do not say. */
  | { readonly ok: true; readonly token: string; readonly isHere?: boolean }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

/** Whether a user who was called back had arrived; if not, the user as they were there. */
export interface RecallAnswer {
  readonly arrived: boolean;
  readonly passenger: TransferredUser | null;
}

/** How a room reaches others of its party. No outsider can: it is a call between objects. */
export interface OtherRooms {
  board(roomId: string, passenger: TransferredUser): Promise<TransferAnswer>;
  /** @param isKept whether the room that asks has stored the user: then they are not in the answer. 0.1.0 does not say */
  recall(roomId: string, transferId: string, sessionId: string, isKept?: boolean): Promise<RecallAnswer>;
  /** A user who came from that room has arrived: it need not remember them any more. */
  arrived(roomId: string, transferId: string, sessionId: string, sub: string | undefined): Promise<void>;
}

/** A token that nobody can guess: 256 bits. */
export function randomToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
