import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";

const encode = (text: string) => new TextEncoder().encode(text);
const ADMIN = { role: "admin", sub: "eve", worlds: ["*"] };

/** Tokens that no service may take for one of an admin's. @param secret the service's own: some are right but for one thing */
export async function badTokens(secret: string): Promise<string[]> {
  const key = encode(secret);
  const rsa = await generateKeyPair("RS256", { extractable: true });
  const jwk = await exportJWK(rsa.publicKey);
  const hs = (header: object, claims: object = ADMIN, by: Uint8Array = key) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: "HS256", ...header }).sign(by);
  const wrong = encode("another secret of 32 bytes or more!");
  const past = Math.floor(Date.now() / 1000) - 3600;
  const unsigned = (header: object, claims: object = ADMIN, end = "") =>
    [header, claims].map((part) => base64url.encode(JSON.stringify(part))).join(".") + `.${end}`;
  const good = await hs({});
  return [
    new UnsecuredJWT(ADMIN).encode(),
    unsigned({ alg: "none" }),
    unsigned({ alg: "None" }),
    unsigned({ alg: "nOnE", typ: "JWT" }, ADMIN, "AAAA"),
    unsigned({ alg: "HS256" }),
    unsigned({ alg: "" }),
    unsigned({}),
    unsigned({ alg: ["HS256"] }),
    unsigned({ alg: { toString: "HS256" } }),
    unsigned(JSON.parse('{"__proto__":{"alg":"none"}}') as object),
    await hs({}, ADMIN, wrong),
    await hs({}, ADMIN, encode("x".repeat(32))),
    await hs({ kid: "../../../../dev/null" }, ADMIN, new Uint8Array(32)),
    await hs({ kid: "' OR 1=1 --" }, ADMIN, wrong),
    await hs({ kid: "__proto__" }, ADMIN, wrong),
    await hs({ jwk }, ADMIN, wrong),
    await hs({ jku: "http://127.0.0.1:1/keys", x5u: "http://127.0.0.1:1/x" }, ADMIN, wrong),
    await new SignJWT(ADMIN).setProtectedHeader({ alg: "RS256", jwk }).sign(rsa.privateKey),
    await hs({}, ADMIN, encode(await exportSPKI(rsa.publicKey))),
    await new SignJWT(ADMIN).setProtectedHeader({ alg: "HS512" }).sign(new Uint8Array([...key, ...key])),
    await hs({}, { ...ADMIN, exp: past }),
    await hs({}, { ...ADMIN, nbf: past + 72_000_000 }),
    await hs({}, { ...ADMIN, exp: "never" }),
    await hs({}, { ...ADMIN, text: "x".repeat(9000) }),
    `${good.slice(0, good.lastIndexOf("."))}.`,
    `${good.split(".")[0]}.${base64url.encode(JSON.stringify({ role: "admin", worlds: "*" }))}.${good.split(".")[2]}`,
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
