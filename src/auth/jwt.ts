import type { Build } from "../protocol/build.ts";
import { postponed } from "../protocol/postponed.ts";
import { createOperators } from "./operators.ts";
import type { Operators } from "./operators.ts";
import { createVerifier } from "./verify.ts";
import type { AuthConfig, Verify } from "./verify.ts";

/** The option `auth` of {@link createRooms}, made by {@link jwt}. */
export interface Auth {
  /** Verifies users' tokens. */
  readonly users: Verify;
  /** The operators of the service. */
  readonly operators: Operators;
}

/**
 * Verifies JWTs: the option `auth` of {@link createRooms}. Requests with an invalid token are refused as
 * `unauthenticated` (close code 4401, HTTP 401). A token without `exp` does not expire. A Worker that does not use this
 * function does not contain its code.
 *
 * @param config `{ secret }`, the name of a secret of the Worker with at least 32 bytes; or `{ jwksUrl, issuer,
 * audience }` of an identity provider
 * @throws Error that says what is wrong with the options
 * @example
 * import { createRooms, jwt } from "durable-rooms";
 * const rooms = createRooms({ rooms: [gameRoom], auth: jwt({ secret: "AUTH_JWT_SECRET" }) });
 */
export function jwt(config: AuthConfig): Auth {
  const isDevelopment = (globalThis as Build).process?.env?.NODE_ENV === "development";
  return isDevelopment ? postponed(() => createAuth(config)) : createAuth(config);
}

function createAuth(config: AuthConfig): Auth {
  const users = createVerifier(config);
  return { users, operators: createOperators("secret" in config ? config.secret : undefined) };
}
