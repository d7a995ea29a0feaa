import type { ErrorCode } from "../protocol/codes.ts";
import type { Issue } from "../protocol/errors.ts";

/**
 * Why a call was not answered: the server's code; or `timeout` or `closed`, when nobody knows whether it was done if
 * it had been sent; or `overflow`, when it was not sent, since too many messages waited.
 */
export type CallErrorCode = ErrorCode | "closed" | "overflow";

/** What {@link RoomClient.call} rejects with. */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly code: CallErrorCode;
  readonly issues: readonly Issue[];

  constructor(code: CallErrorCode, message: string, issues: readonly Issue[] = []) {
    super(message);
    this.code = code;
    this.issues = issues;
  }
}

/**
 * Why the client is not connected. The service does not answer (`no_answer`), which may be since it has no TLS
 * (`wrong_scheme`); the room is full (`room_full`), or closed the connection with another code (`refused`); no
 * WebSocket can be made for this address from here (`invalid_address`); the World said no, or could not be asked; or `token`,
 * `params` or `room` failed. The client tries again, later and later, unless this would not help.
 */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  readonly code:
    | "no_answer"
    | "wrong_scheme"
    | "room_full"
    | "refused"
    | "invalid_address"
    | "world_refused"
    | "world_unreachable"
    | "token_failed"
    | "params_failed"
    | "room_failed";
  /** The HTTP status of the World's answer. */
  readonly status: number | undefined;
  /** Whether it is of no use to try again. */
  readonly isFinal: boolean;
  /** How long to wait at least before the next attempt, in ms, if the World said so. */
  readonly retryAfter: number;

  constructor(
    code: ConnectError["code"],
    message: string,
    { status, isFinal = false, retryAfter = 0 }: Partial<Pick<ConnectError, "status" | "isFinal" | "retryAfter">> = {},
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.isFinal = isFinal;
    this.retryAfter = retryAfter;
  }
}
