import { toRoomError } from "../protocol/errors.ts";

/** The answer of a World that refuses a request: its status, and its body. */
export interface ErrorAnswer {
  readonly status: 400 | 401 | 404 | 503;
  readonly error: string;
  /** Set if asking again does not help, or only after minutes. */
  readonly code?: "not_found" | "over_quota";
  readonly details?: unknown;
}

/** The answer if a room or shard could not be called. */
export function unreachable(what: "room" | "shard", error: unknown): ErrorAnswer {
  const { code, message } = toRoomError(error);
  if (code === "over_quota") return { status: 503, error: message, code };
  return { status: 503, error: `A ${what} could not be started. Try again` };
}
