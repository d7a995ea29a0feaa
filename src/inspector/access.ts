import { isOnThisMachine } from "../app/development.ts";
import { hasClaim, operatesRoom } from "../auth/access.ts";
import type { Claims } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";

/** What may be done, by the claim that it takes. */
export type Right = "inspect" | "manage";

const EVERYTHING: Claims = { rooms: "*", worlds: "*", inspect: "*", manage: "*" };

/**
 * Where the Worker has a variable `INSPECTOR` that is `open`, everyone on this machine is an operator: for development
 * only. Pages of other sites are not: a browser says where their requests come from. A page whose own name resolves to
 * this machine (DNS rebinding) would be of the same origin, so requests to any host but loopback are refused too.
 */
export function guest(request: Request, env: object): Claims | null {
  if (!isOpen(env)) return null;
  const url = new URL(request.url);
  const from = request.headers.get("origin");
  const isForeign = from !== null && from !== url.origin;
  return isForeign || !isOnThisMachine(url) ? null : EVERYTHING;
}

/** Whether nobody needs a token. */
export function isOpen(env: object): boolean {
  return (env as { INSPECTOR?: unknown }).INSPECTOR === "open";
}

/** @throws RoomError `forbidden` if the claims do not allow this for a room, shard or World */
export function checkRight(auth: Claims, right: Right, party: string, room: string): void {
  if (hasClaim(auth, right, `${party}/${room}`, "*")) return;
  throw new RoomError("forbidden", `This needs a token whose claim "${right}" is "${party}/${room}" or "*"`);
}

/** @throws RoomError `forbidden` if the claims do not make their bearer an operator of a World */
export function checkOperator(auth: Claims, party: string, room: string): void {
  if (operatesRoom(auth, party, room)) return;
  throw new RoomError("forbidden", "The token gives no access to this room");
}

/** Whether somebody may see or do anything here at all. A user's token has none of these claims. */
export function isOperator(auth: Claims): boolean {
  return ["inspect", "manage", "rooms", "worlds"].some((name) => Object.hasOwn(auth, name));
}
