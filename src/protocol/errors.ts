import type { ErrorCode } from "./codes.ts";
import { isOverQuota } from "./quota.ts";

/** One reason why a value does not match its schema. */
export interface Issue {
  /** The path of the value, as keys from the outermost to the innermost. */
  readonly path: readonly (string | number)[];
  /** What is wrong with the value. */
  readonly message: string;
}

/**
 * An error with a code that the client gets. Throw it in a handler or guard to refuse a message, a connection or a
 * request: the client gets the code and the message. The client gets any other error as `internal`, without its
 * message.
 *
 * The code decides the close code of a WebSocket and the HTTP status, such as 4403 and 403 for `forbidden`.
 *
 * @example
 * import { RoomError } from "durable-rooms";
 * throw new RoomError("forbidden", "It is not your turn");
 */
export class RoomError extends Error {
  override readonly name = "RoomError";
  /** The code that the client gets. */
  readonly code: ErrorCode;
  /** The reasons why a value does not match its schema, for `invalid_input`. */
  readonly issues: readonly Issue[] | undefined;

  /**
   * @param code the code that the client gets
   * @param message the text that the client gets, unless the code is `internal`
   * @param options `issues`: sent to the client; `cause`: for the log only
   */
  constructor(code: ErrorCode, message: string, options: { issues?: readonly Issue[]; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.issues = options.issues;
  }
}

/** Sent to clients instead of the message of an unexpected error. */
const INTERNAL_MESSAGE = "Something went wrong in the room";
const QUOTA_MESSAGE = "The service has reached its quota. Try again later";

/** Converts anything that was thrown, so that only the message of a {@link RoomError} leaves the server. */
export function toRoomError(thrown: unknown): RoomError {
  if (thrown instanceof RoomError && thrown.code !== "internal") return thrown;
  if (isOverQuota(thrown)) return new RoomError("over_quota", QUOTA_MESSAGE, { cause: thrown });
  return new RoomError("internal", INTERNAL_MESSAGE, { cause: thrown });
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The user moved to another room, or was removed. */
export function noLongerHere(): RoomError {
  return new RoomError("forbidden", "You are no longer in this room");
}

/** Whether a refusal is the fault of the service, so that it is logged as an error. */
export function isFault({ code }: Pick<RoomError, "code">): boolean {
  return code === "internal" || code === "over_quota" || code === "timeout";
}
