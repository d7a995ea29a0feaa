import type { ErrorCode } from "../protocol/codes.ts";
import type { Issue } from "../protocol/errors.ts";

/** Why a call was not answered: the server's code, or `timeout`, `disconnected` or `closed`. */
export type CallErrorCode = ErrorCode | "timeout" | "disconnected" | "closed";

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
