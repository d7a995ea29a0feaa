import { isOnThisMachine } from "../app/development.ts";
import { hasClaim, operatesRoom } from "../auth/access.ts";
import type { Claims } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";

/** The claim that an operation needs. */
export type Right = "inspect" | "manage";

const EVERYTHING: Claims = { rooms: "*", worlds: "*", inspect: "*", manage: "*" };

/**
 * If the Worker has the variable `INSPECTOR` with the value `open`, everyone on this machine is an operator, for
 * development only. Pages of other sites are not: a browser tells where their requests come from. A page whose own name
 * resolves to this machine (DNS rebinding) would have the same origin, so requests to any host except loopback are
 * refused too.
 */
export function guest(request: Request, env: object): Claims | null {
  if (!isOpen(env)) return null;
  const url = new URL(request.url);
  const from = request.headers.get("origin");
  const isForeign = from !== null && from !== url.origin;
  return isForeign || !isOnThisMachine(url) ? null : EVERYTHING;
}

/** Whether no token is needed. */
export function isOpen(env: object): boolean {
  return (env as { INSPECTOR?: unknown }).INSPECTOR === "open";
}

/** @throws RoomError `forbidden` if the claims do not allow this for a room, shard or World */
export function checkRight(auth: Claims, right: Right, party: string, room: string): void {
  if (hasClaim(auth, right, `${party}/${room}`, "*")) return;
  throw new RoomError("forbidden", `This needs a token whose claim "${right}" is "${party}/${room}" or "*"`);
}

/** @throws RoomError `forbidden` if the claims are not those of an operator of a World */
export function checkOperator(auth: Claims, party: string, room: string): void {
  if (operatesRoom(auth, party, room)) return;
  throw new RoomError("forbidden", "The token gives no access to this room");
}

/** Whether the claims are those of any operator. A user's token has none of these claims. */
export function isOperator(auth: Claims): boolean {
  return ["inspect", "manage", "rooms", "worlds"].some((name) => Object.hasOwn(auth, name));
}
