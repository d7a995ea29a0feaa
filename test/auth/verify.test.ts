import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import type { CryptoKey, JWK } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createVerifier, readToken } from "../../src/auth/verify.ts";
import { RoomError } from "../../src/protocol/errors.ts";

const NAME = "AUTH_JWT_SECRET";
const SECRET = "a secret of the tests, 32 bytes or more";
const env = { [NAME]: SECRET };
const encode = (text: string) => new TextEncoder().encode(text);
const now = () => Math.floor(Date.now() / 1000);

const hs256 = (claims: Record<string, unknown> = { sub: "ada" }, secret = SECRET, alg = "HS256") =>
  new SignJWT(claims).setProtectedHeader({ alg }).sign(encode(secret));

/** The code and message of the refusal, which must reveal neither the token nor how it was checked. */
async function refusal(outcome: Promise<unknown>, token = ""): Promise<[code: string, message: string]> {
  const error: unknown = await outcome.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RoomError)) throw new Error(`not refused, or not properly: ${String(error)}`);
  if (token) expect(error.message).not.toContain(token);
  if (error.code === "unauthenticated") expect(error.message).not.toMatch(/jwt|jws|jwk|jose|signature|alg|claim/i);
  return [error.code, error.message];
}

const INVALID = ["unauthenticated", "The token is not valid"];
const EXPIRED = ["unauthenticated", "The token has expired"];

describe("a shared secret", () => {
  const verify = createVerifier({ secret: NAME });

  it("accepts a token that it signed, and returns its claims", async () => {
    expect(await verify(await hs256({ sub: "ada", role: "admin", exp: now() + 60 }), env)).toMatchObject({
      sub: "ada",
      role: "admin",
    });
  });

  it("accepts a token without expiry", async () => {
    expect(await verify(await hs256(), env)).toEqual({ sub: "ada" });
  });

  it("tolerates clocks that differ by up to five seconds", async () => {
    expect(await verify(await hs256({ exp: now() - 2 }), env)).toBeDefined();
    expect(await refusal(verify(await hs256({ exp: now() - 10 }), env))).toEqual(EXPIRED);
    expect(await verify(await hs256({ nbf: now() + 2 }), env)).toBeDefined();
    expect(await refusal(verify(await hs256({ nbf: now() + 60 }), env))).toEqual(INVALID);
  });

  it("refuses another key, and changed claims", async () => {
    expect(await refusal(verify(await hs256({}, `${SECRET}!`), env))).toEqual(INVALID);
    const [header, , signature] = (await hs256({ sub: "ada" })).split(".");
    const forged = `${header}.${base64url.encode('{"sub":"eve"}')}.${signature}`;
    expect(await refusal(verify(forged, env), forged)).toEqual(INVALID);
  });

  it("refuses an expired token of another key as invalid: expiry is reported only for valid tokens", async () => {
    expect(await refusal(verify(await hs256({ exp: now() - 60 }, `${SECRET}!`), env))).toEqual(INVALID);
  });

  it("pins HS256", async () => {
    const unsecured = new UnsecuredJWT({ sub: "eve" }).encode();
    expect(await refusal(verify(unsecured, env), unsecured)).toEqual(INVALID);
    expect(await refusal(verify(`${base64url.encode('{"alg":"NONE"}')}.e30.`, env))).toEqual(INVALID);
    for (const alg of ["HS384", "HS512"]) {
      expect(await refusal(verify(await hs256({}, SECRET.repeat(2), alg), { [NAME]: SECRET.repeat(2) }))).toEqual(
        INVALID,
      );
    }
    const { privateKey } = await generateKeyPair("RS256");
    const rsa = await new SignJWT({ sub: "eve" }).setProtectedHeader({ alg: "RS256" }).sign(privateKey);
    expect(await refusal(verify(rsa, env), rsa)).toEqual(INVALID);
  });

  it.each(["", "x", "a.b", "a.b.c", "..", "a.b.c.d.e", "e30.e30.e30", "\u0000.é.\uD800", "null"])(
    "refuses %j",
    async (token) => {
      expect(await refusal(verify(token, env))).toEqual(INVALID);
    },
  );

  it("refuses a token of more than 8192 characters unread", async () => {
    const large = await hs256({ pad: "x".repeat(8192) });
    expect((await refusal(verify(large, env), large))[0]).toBe("unauthenticated");
  });

  it.each([
    ["missing", undefined],
    ["empty", ""],
    ["too short", "x".repeat(31)],
    ["no text", 12345],
  ])("fails closed if the secret is %s, and says what to set", async (_, value) => {
    const short = typeof value === "string" && value !== "" ? value : SECRET;
    const [code, message] = await refusal(verify(await hs256({}, short), { [NAME]: value }));
    expect(code).toBe("internal");
    expect(message).toContain(`wrangler secret put ${NAME}`);
    if (typeof value === "string" && value !== "") expect(message).not.toContain(value);
  });

  it("counts the secret's bytes, not its characters", async () => {
    const secret = "é".repeat(16);
    expect(await verify(await hs256({}, secret), { [NAME]: secret })).toBeDefined();
  });
});

// test/auth/jwks.test.ts has more tests of published keys.
describe("published keys", () => {
  const jwksUrl = "https://id.test/jwks.json";
  const config = { jwksUrl, issuer: "https://id.test/", audience: ["rooms", "other"] };
  let keys: JWK[];
  let pair: { publicKey: CryptoKey; privateKey: CryptoKey };
  const fetched = vi.fn<() => Promise<Response>>();

  beforeEach(async () => {
    pair = await generateKeyPair("RS256", { extractable: true });
    keys = [{ ...(await exportJWK(pair.publicKey)), kid: "one", alg: "RS256", use: "sig" }];
    fetched.mockReset().mockImplementation(async () => Promise.resolve(Response.json({ keys })));
    vi.spyOn(globalThis, "fetch").mockImplementation(fetched);
  });
  afterEach(() => vi.restoreAllMocks());

  const sign = (
    claims: Record<string, unknown> = {},
    header: { alg?: string; kid?: string } = {},
    key = pair.privateKey,
  ) =>
    new SignJWT({ iss: config.issuer, aud: "rooms", sub: "ada", ...claims })
      .setProtectedHeader({ alg: "RS256", kid: "one", ...header })
      .sign(key);

  it.each(["PS256", "ES256", "EdDSA"])("accept %s", async (alg) => {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    keys = [{ ...(await exportJWK(publicKey)), kid: "two", alg }];
    expect(await createVerifier(config)(await sign({}, { alg, kid: "two" }, privateKey), {})).toBeDefined();
  });

  it.each([
    ["no issuer", { iss: undefined }],
    ["no audience", { aud: undefined }],
  ])("refuse %s", async (_, claims) => {
    const token = await sign(claims);
    expect(await refusal(createVerifier(config)(token, {}), token)).toEqual(INVALID);
  });

  it("refuse an expired token", async () => {
    expect(await refusal(createVerifier(config)(await sign({ exp: now() - 60 }), {}))).toEqual(EXPIRED);
  });

  it("refuse a key that is not published", async () => {
    const { privateKey } = await generateKeyPair("RS256");
    expect(await refusal(createVerifier(config)(await sign({}, {}, privateKey), {}))).toEqual(INVALID);
    expect(await refusal(createVerifier(config)(await sign({}, { kid: "nine" }), {}))).toEqual(INVALID);
  });

  it("refuse HS256 with the public key as the secret, and alg none", async () => {
    const verify = createVerifier(config);
    const pem = encode(await exportSPKI(pair.publicKey));
    const claims = { iss: config.issuer, aud: "rooms", sub: "eve" };
    const confused = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "one" }).sign(pem);
    expect(await refusal(verify(confused, {}), confused)).toEqual(INVALID);
    expect(await refusal(verify(new UnsecuredJWT(claims).encode(), {}))).toEqual(INVALID);
    expect(fetched).not.toHaveBeenCalled();
  });

  it.each([
    ["cannot be reached", () => Promise.reject(new TypeError("connection lost"))],
    ["take too long", () => Promise.reject(new DOMException("too slow", "TimeoutError"))],
    ["answer 503", () => Promise.resolve(new Response("", { status: 503 }))],
    ["are no JSON", () => Promise.resolve(new Response("<html>"))],
    ["are no key set", () => Promise.resolve(Response.json({}))],
  ])("that %s are a failure of the service, so the client may try again", async (_, answer) => {
    fetched.mockImplementation(answer);
    expect((await refusal(createVerifier(config)(await sign(), {})))[0]).toBe("internal");
  });
});

describe("createVerifier", () => {
  it.each([
    ["an empty secret", { secret: "" }],
    ["no URL", { jwksUrl: "nowhere", issuer: "i", audience: "a" }],
    ["no issuer", { jwksUrl: "https://id.test", audience: "a" }],
    ["no audience", { jwksUrl: "https://id.test", issuer: "i" }],
    ["an empty list of audiences", { jwksUrl: "https://id.test", issuer: "i", audience: [] }],
    ["an empty list of issuers", { jwksUrl: "https://id.test", issuer: [], audience: "a" }],
    ["nothing", {}],
  ])("says what is wrong: %s", (_, config) => {
    expect(() => createVerifier(config as never)).toThrow(/^auth: /);
  });
});

describe("readToken", () => {
  const read = (query: string, authorization?: string, parameter?: string) => {
    const url = new URL(`http://rooms.test/parties/main/a${query}`);
    const headers = new Headers(authorization === undefined ? {} : { authorization });
    return readToken(new Request(url, { headers }), url, parameter);
  };

  it("takes the header before the query", () => {
    expect(read("?token=query", "Bearer header")).toBe("header");
    expect(read("", "bEaReR   header")).toBe("header");
    expect(read("?token=query")).toBe("query");
    expect(read("?world-auth-token=w&token=t", undefined, "world-auth-token")).toBe("w");
  });

  it("ignores other schemes", () => {
    expect(read("", "Basic abc")).toBeUndefined();
    expect(read("?token=query", "Basic abc")).toBe("query");
    expect(read("?token=")).toBeUndefined();
    expect(read("")).toBeUndefined();
    expect(read("", "Bearer")).toBeUndefined();
    expect(read("", "Bearer a b")).toBeUndefined();
  });
});
