import type { Claims } from "../../define/types.ts";
import { RoomError } from "../../protocol/errors.ts";

/** The key of the first session with an id, which is mostly the id itself. It never equals a {@link secondKey}. */
export function firstKey(clientId: string): string {
  return /^\\+\[/.test(clientId) ? `\\${clientId}` : clientId;
}

/** The key of a session whose id is used with another `sub`. No other id and `sub` give the same key. */
export function secondKey(clientId: string, sub: string | undefined): string {
  return `\\${JSON.stringify([clientId, sub ?? null])}`;
}

/** The client with the id of a session is not its subject. */
export function belongsToOthers(): RoomError {
  return new RoomError("forbidden", "This session belongs to another user");
}

/** A transfer token is invalid, or belongs to another user. */
export function invalidToken(): RoomError {
  return new RoomError("forbidden", "The transfer token is not valid");
}

/** The subject of a token, if it has one. */
export function subjectOf(auth: Claims | null): string | undefined {
  return typeof auth?.["sub"] === "string" ? auth["sub"] : undefined;
}
