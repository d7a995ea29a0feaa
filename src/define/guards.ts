import type { GuardContext } from "./types.ts";

/**
 * A guard that lets connections pass, and nothing that comes without one: no HTTP request.
 *
 * @example
 * import { requireSession } from "durable-rooms";
 * defineRoom({ …, requests: { "GET /secret": { guards: [requireSession], run: () => 42 } } });
 */
export function requireSession({ conn }: GuardContext): boolean {
  return conn !== undefined;
}

/** A guard that lets only callers with a verified JWT pass. */
export function requireAuth({ auth }: GuardContext): boolean {
  return auth !== null;
}

/**
 * A guard that lets callers pass whose JWT has a claim: with this value, or, where the claim is a list, with
 * this value in it.
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
