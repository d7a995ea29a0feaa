import type { Claims } from "../../define/types.ts";
import { RoomError } from "../../protocol/errors.ts";

/** The key of the first who comes with an id: mostly the id itself. It is never a {@link secondKey}. */
export function firstKey(clientId: string): string {
  return /^\\+\[/.test(clientId) ? `\\${clientId}` : clientId;
}

/** The key of somebody whose id is in use with another `sub`. Others cannot make the same, whatever id or `sub` they have. */
export function secondKey(clientId: string, sub: string | undefined): string {
  return `\\${JSON.stringify([clientId, sub ?? null])}`;
}

/** Who came with the id of a session is not its subject. */
export function belongsToOthers(): RoomError {
  return new RoomError("forbidden", "This session belongs to another user");
}

/** A token of a transfer lets nobody in, or lets in somebody else. */
export function invalidToken(): RoomError {
  return new RoomError("forbidden", "The transfer token is not valid");
}

/** Whose token it is, if the token says so. */
export function subjectOf(auth: Claims | null): string | undefined {
  return typeof auth?.["sub"] === "string" ? auth["sub"] : undefined;
}
