import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import type { JWTVerifyGetKey, JWTVerifyOptions } from "jose";
import type { Claims } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";
import { offerOf } from "./subprotocol.ts";
import { OPERATOR_AUDIENCE } from "../protocol/operator.ts";

/**
 * The options of {@link jwt}: either `secret`, the name of the Worker's secret with the shared key (HS256), or the
 * published keys of an identity provider.
 */
export type AuthConfig =
  | { readonly secret: string }
  | { readonly jwksUrl: string; readonly issuer: string | string[]; readonly audience: string | string[] };

/** Verifies a token. @throws RoomError `unauthenticated`, or `internal` if the Worker has no such secret */
export type Verify = (token: string, env: Readonly<Record<string, unknown>>) => Promise<Claims>;

/** HS256 needs a key of at least the 256 bits of its hash: RFC 7518, section 3.2. */
const MIN_SECRET_BYTES = 32;
const MAX_TOKEN = 8192;
/** The clock difference that is accepted, in seconds. */
const TOLERANCE = 5;
const ASYMMETRIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

/**
 * Makes the function that verifies users' tokens and refuses operators' tokens. The algorithms are fixed, so that a
 * token cannot choose its own.
 * @throws Error that says what is wrong with the options
 */
export function createVerifier(config: AuthConfig): Verify {
  const verify = "secret" in config ? secretVerifier(config.secret) : providerVerifier(config);
  return async (token, env) => {
    const claims = await verify(token, env);
    if (!isOperators(claims)) return claims;
    throw new RoomError("unauthenticated", "This is an operator's token. Use a user's token");
  };
}

/**
 * Makes the function that verifies operators' tokens and refuses users' tokens. Operators' tokens are signed with a
 * shared secret, even if users' tokens come from an identity provider.
 * @param secret the name of the Worker's secret
 */
export function createOperatorVerifier(secret = "AUTH_JWT_SECRET"): Verify {
  const verify = secretVerifier(secret);
  return async (token, env) => {
    const claims = await verify(token, env);
    if (isOperators(claims)) return claims;
    throw new RoomError(
      "unauthenticated",
      `This is not an operator's token: its "aud" has to be "${OPERATOR_AUDIENCE}"`,
    );
  };
}

function isOperators({ aud }: Claims): boolean {
  return Array.isArray(aud) ? aud.includes(OPERATOR_AUDIENCE) : aud === OPERATOR_AUDIENCE;
}

function providerVerifier(config: Exclude<AuthConfig, { readonly secret: string }>): Verify {
  if (!URL.canParse(config.jwksUrl) || !config.issuer?.length || !config.audience?.length) {
    throw new Error("auth: jwt() needs { secret } with the name of a secret, or { jwksUrl, issuer, audience }");
  }
  const keys = publishedKeys(config.jwksUrl);
  const { issuer, audience } = config;
  return (token) => check(token, keys, { algorithms: ASYMMETRIC, issuer, audience });
}

/**
 * The keys of an identity provider. If they cannot be fetched, the error is `internal`, so that the client tries again.
 */
function publishedKeys(url: string): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(new URL(url));
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
      throw new RoomError("internal", `The keys at ${url} cannot be fetched: ${String(cause)}`, { cause });
    }
  };
}

function secretVerifier(name: string): Verify {
  if (typeof name !== "string" || name === "")
    throw new Error("auth: the secret of jwt() has to be the name of a secret of the Worker");
  return async (token, env) => {
    const secret = new TextEncoder().encode(typeof env[name] === "string" ? env[name] : "");
    if (secret.length < MIN_SECRET_BYTES) {
      throw new RoomError(
        "internal",
        `The secret ${name} is missing or has less than ${MIN_SECRET_BYTES} bytes: set it with "wrangler secret put ${name}"`,
      );
    }
    return check(token, async () => secret, { algorithms: ["HS256"] });
  };
}

async function check(
  token: string,
  key: JWTVerifyGetKey | (() => Promise<Uint8Array>),
  options: JWTVerifyOptions,
): Promise<Claims> {
  if (token.length > MAX_TOKEN) throw new RoomError("unauthenticated", "The token is too large");
  try {
    const { payload } = await jwtVerify(token, key as JWTVerifyGetKey, { ...options, clockTolerance: TOLERANCE });
    return payload;
  } catch (cause) {
    if (cause instanceof RoomError) throw cause;
    const message = cause instanceof errors.JWTExpired ? "The token has expired" : "The token is not valid";
    throw new RoomError("unauthenticated", message, { cause });
  }
}

/** Reads the token of a request: from the Authorization header, the subprotocols of a WebSocket, or the query. */
export function readToken(request: Request, url: URL, parameter = "token"): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.get("authorization") ?? "");
  return bearer?.[1] ?? offerOf(request.headers)?.token ?? (url.searchParams.get(parameter) || undefined);
}
