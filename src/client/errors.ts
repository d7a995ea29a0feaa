import type { ErrorCode } from "../protocol/codes.ts";
import type { Issue } from "../protocol/errors.ts";

/**
 * The code of a {@link CallError}: the code of the room's refusal, or
 * - `"timeout"`: no answer came in time. The action may have run
 * - `"closed"`: the connection was closed. If the call had been sent, the action may have run
 * - `"overflow"`: the call was not sent, since too many messages were waiting
 */
export type CallErrorCode = ErrorCode | "closed" | "overflow";

/**
 * The error that {@link RoomClient.call} rejects with.
 *
 * @example
 * import { CallError } from "durable-rooms/client";
 * await game.call("increment").catch((error) => {
 *   if (error instanceof CallError && error.code === "rate_limited") console.log(error.message);
 * });
 */
export class CallError extends Error {
  override readonly name = "CallError";
  /** The code of the refusal. */
  readonly code: CallErrorCode;
  /** Where the value did not match the action's schema, for `invalid_input`. Otherwise empty. */
  readonly issues: readonly Issue[];

  constructor(code: CallErrorCode, message: string, issues: readonly Issue[] = []) {
    super(message);
    this.code = code;
    this.issues = issues;
  }
}

/**
 * Why the client is not connected. It is the value of the event `error`, and {@link findRoom} and {@link listRooms}
 * throw it. The client tries again with growing delays, unless {@link isFinal}. Its `code` is
 * - `"no_answer"`: the service did not answer
 * - `"wrong_scheme"`: the service did not answer, perhaps since it has no TLS
 * - `"room_full"`: the room is full
 * - `"refused"`: the room closed the connection with another code
 * - `"invalid_address"`: the address is not valid for a WebSocket, or the page may not use it. It is final
 * - `"world_refused"`: the World refused the request
 * - `"world_unreachable"`: the World did not answer
 * - `"token_failed"`, `"params_failed"`, `"room_failed"`: the function `token`, `params` or `room` failed, or `room` is not an id
 */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** What went wrong. */
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
  /** The HTTP status of the World's answer, for `world_refused`. */
  readonly status: number | undefined;
  /** Whether the client does not try again. */
  readonly isFinal: boolean;
  /** The shortest time before the next attempt, in ms. 0 if the World gave none. */
  readonly retryAfter: number;

  constructor(
    code: ConnectError["code"],
    message: string,
    more: Partial<Pick<ConnectError, "status" | "isFinal" | "retryAfter">> = {},
  ) {
    super(message);
    this.code = code;
    this.status = more.status;
    this.isFinal = more.isFinal ?? false;
    this.retryAfter = more.retryAfter ?? 0;
  }
}
