import type { GuardContext } from "./types.ts";

/**
 * A guard that passes for messages of a connection and, among the room's own guards, for clients that connect. It
 * refuses HTTP requests, which have no session.
 *
 * @example
 * import { requireSession } from "durable-rooms";
 * const actions = { draw: { guards: [requireSession], run: () => Math.random() } };
 */
export function requireSession({ conn, request }: GuardContext): boolean {
  return conn !== undefined || request?.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/**
 * A guard that passes only for callers with a verified JWT.
 *
 * @example
 * import { requireAuth } from "durable-rooms";
 * const actions = { vote: { guards: [requireAuth], run() {} } };
 */
export function requireAuth({ auth }: GuardContext): boolean {
  return auth !== null;
}

/**
 * A guard that passes for callers whose JWT has a claim with this value, or a list that contains this value.
 *
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
