import { OPERATOR_AUDIENCE } from "../../src/protocol/operator.ts";
import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";

const encode = (text: string) => new TextEncoder().encode(text);
const ADMIN = { role: "admin", sub: "eve" };
/** The claims of an operator for all Worlds. */
export const OPERATOR = { aud: OPERATOR_AUDIENCE, worlds: ["*"] };

/**
 * Tokens that no service may accept as those of an admin or operator.
 * @param secret the service's own secret: some tokens are valid except for one detail
 * @param claims the claims of the tokens
 */
export async function badTokens(secret: string, claims: object = ADMIN): Promise<string[]> {
  const key = encode(secret);
  const rsa = await generateKeyPair("RS256", { extractable: true });
  const jwk = await exportJWK(rsa.publicKey);
  const hs = (header: object, payload: object = claims, by: Uint8Array = key) =>
    new SignJWT({ ...payload }).setProtectedHeader({ alg: "HS256", ...header }).sign(by);
  const wrong = encode("another secret of 32 bytes or more!");
  const past = Math.floor(Date.now() / 1000) - 3600;
  const unsigned = (header: object, payload: object = claims, end = "") =>
    [header, payload].map((part) => base64url.encode(JSON.stringify(part))).join(".") + `.${end}`;
  const good = await hs({});
  return [
    new UnsecuredJWT({ ...claims }).encode(),
    unsigned({ alg: "none" }),
    unsigned({ alg: "None" }),
    unsigned({ alg: "nOnE", typ: "JWT" }, claims, "AAAA"),
    unsigned({ alg: "HS256" }),
    unsigned({ alg: "" }),
    unsigned({}),
    unsigned({ alg: ["HS256"] }),
    unsigned({ alg: { toString: "HS256" } }),
    unsigned(JSON.parse('{"__proto__":{"alg":"none"}}') as object),
    await hs({}, claims, wrong),
    await hs({}, claims, encode("x".repeat(32))),
    await hs({ kid: "../../../../dev/null" }, claims, new Uint8Array(32)),
    await hs({ kid: "' OR 1=1 --" }, claims, wrong),
    await hs({ kid: "__proto__" }, claims, wrong),
    await hs({ jwk }, claims, wrong),
    await hs({ jku: "http://127.0.0.1:1/keys", x5u: "http://127.0.0.1:1/x" }, claims, wrong),
    await new SignJWT({ ...claims }).setProtectedHeader({ alg: "RS256", jwk }).sign(rsa.privateKey),
    await hs({}, claims, encode(await exportSPKI(rsa.publicKey))),
    await new SignJWT({ ...claims }).setProtectedHeader({ alg: "HS512" }).sign(new Uint8Array([...key, ...key])),
    await hs({}, { ...claims, exp: past }),
    await hs({}, { ...claims, nbf: past + 72_000_000 }),
    await hs({}, { ...claims, exp: "never" }),
    await hs({}, { ...claims, text: "x".repeat(9000) }),
    `${good.slice(0, good.lastIndexOf("."))}.`,
    `${good.split(".")[0]}.${base64url.encode(JSON.stringify({ ...claims, role: "admin", worlds: "*" }))}.${good.split(".")[2]}`,
    `${unsigned({ alg: "none" })}\n${good.slice(0, -4)}`,
    `${good}.${good}`,
    ".",
    "..",
    "...",
    "a.b.c",
    "%00.%00.%00",
    "e30.e30.e30",
    "x".repeat(20_000),
  ];
}
