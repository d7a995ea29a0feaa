import type { ErrorCode } from "./codes.ts";
import { isOverQuota } from "./quota.ts";

/** Where a value failed its schema, and why. */
export interface Issue {
  /** The keys that lead to the value, outermost first. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * A refusal with a stable code. Thrown by a handler or guard, its code and message reach the client
 * that asked; any other error is shown to the client as `internal` and to nobody else.
 *
 * @example
 * import { RoomError } from "durable-rooms";
 * throw new RoomError("forbidden", "It is not your turn");
 */
export class RoomError extends Error {
  override readonly name = "RoomError";
  readonly code: ErrorCode;
  readonly issues: readonly Issue[] | undefined;

  constructor(code: ErrorCode, message: string, options: { issues?: readonly Issue[]; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.issues = options.issues;
  }
}

/** The message that clients get instead of that of an unexpected error. */
const INTERNAL_MESSAGE = "Something went wrong in the room";
const QUOTA_MESSAGE = "The service has used up what it may use for now. Try again later";

/** Wraps whatever was thrown, so that nothing but a {@link RoomError}'s own words leaves the server. */
export function toRoomError(thrown: unknown): RoomError {
  if (thrown instanceof RoomError && thrown.code !== "internal") return thrown;
  if (isOverQuota(thrown)) return new RoomError("over_quota", QUOTA_MESSAGE, { cause: thrown });
  return new RoomError("internal", INTERNAL_MESSAGE, { cause: thrown });
}

/** The user went to another room, or was removed. */
export function noLongerHere(): RoomError {
  return new RoomError("forbidden", "You are no longer in this room");
}

/** Whether a refusal is the service's own fault, which belongs into its log. */
export function isFault({ code }: Pick<RoomError, "code">): boolean {
  return code === "internal" || code === "over_quota" || code === "timeout";
}
