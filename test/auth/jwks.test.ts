import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, expect, it, vi } from "vitest";
import { createVerifier } from "../../src/auth/verify.ts";

const config = { jwksUrl: "https://id.test/jwks.json", issuer: "https://id.test/", audience: "rooms" };

afterEach(() => {
  vi.restoreAllMocks();
});

/** An identity provider that publishes one key. */
async function provider() {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const keys = [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "ES256", use: "sig" }];
  const fetched = vi.spyOn(globalThis, "fetch").mockImplementation(async () => Response.json({ keys }));
  const sign = (claims: Record<string, unknown>, issuer = config.issuer, audience = config.audience) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "ES256", kid: "k1" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime("1h")
      .sign(privateKey);
  return { fetched, sign, publicKey };
}

it("checks issuer and audience against the published keys, which are fetched once", async () => {
  const { fetched, sign } = await provider();
  const verify = createVerifier(config);
  expect(await verify(await sign({ sub: "ada" }), {})).toMatchObject({ sub: "ada" });
  await verify(await sign({ sub: "bob" }), {});
  expect(fetched).toHaveBeenCalledTimes(1);
  const refused = { code: "unauthenticated", message: "The token is not valid" };
  await expect(verify(await sign({}, "https://evil.test/"), {})).rejects.toMatchObject(refused);
  await expect(verify(await sign({}, config.issuer, "elsewhere"), {})).rejects.toMatchObject(refused);
});

it("does not accept a token that is signed with the public key as an HMAC secret", async () => {
  const { publicKey } = await provider();
  const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(publicKey)));
  const forged = await new SignJWT({ sub: "eve" })
    .setProtectedHeader({ alg: "HS256", kid: "k1" })
    .setIssuer(config.issuer)
    .setAudience(config.audience)
    .sign(secret);
  await expect(createVerifier(config)(forged, {})).rejects.toMatchObject({ code: "unauthenticated" });
});
