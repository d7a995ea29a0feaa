import type { GuardContext } from "./types.ts";

/**
 * A guard that refuses HTTP requests, which have no session. It accepts messages and, as a guard of the room, new
 * connections. Others are refused as `forbidden` (HTTP 403).
 *
 * @example
 * import { requireSession } from "durable-rooms";
 * const actions = { draw: { guards: [requireSession], run: () => Math.random() } };
 */
export function requireSession({ conn, request }: GuardContext): boolean {
  return conn !== undefined || request?.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/**
 * A guard that accepts only callers with a verified JWT. Others are refused as `forbidden` (close code 4403, HTTP 403).
 * To require a token for the whole room, use the option `auth: "required"`.
 *
 * @example
 * import { requireAuth } from "durable-rooms";
 * const actions = { vote: { guards: [requireAuth], run() {} } };
 */
export function requireAuth({ auth }: GuardContext): boolean {
  return auth !== null;
}

/**
 * Makes a guard that accepts only callers whose JWT has a claim with this value, or a list that contains the value.
 * Others are refused as `forbidden` (close code 4403, HTTP 403).
 *
 * @param name the name of the claim
 * @param value the value to look for, compared with `===`
 * @example
 * import { requireClaim } from "durable-rooms";
 * const actions = { kick: { guards: [requireClaim("role", "admin")], run() {} } };
 */
export function requireClaim(name: string, value: unknown): (context: GuardContext) => boolean {
  return ({ auth }) => {
    const claim = auth && Object.hasOwn(auth, name) ? auth[name] : undefined;
    return claim !== undefined && (Array.isArray(claim) ? claim.includes(value) : claim === value);
  };
}
