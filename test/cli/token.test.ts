import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runBin } from "./bin.ts";

const SECRET = "a secret of the tests, 32 bytes or more";
const FILE_SECRET = 'another one, which is in a file, with "quotes"';
let cwd: string;

beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "durable-rooms-token-"));
  writeFileSync(join(cwd, ".dev.vars"), `# for development\nAUTH_JWT_SECRET='${FILE_SECRET}'\n`);
  writeFileSync(join(cwd, "other.env"), `OTHER=${SECRET}\nSHORT=short\n`);
});
afterAll(() => rmSync(cwd, { recursive: true }));

/** The claims that a service reads from the token that the command printed. */
async function claimsOf(args: string[], secret = SECRET, options: Parameters<typeof runBin>[1] = {}) {
  const { code, stdout, stderr } = await runBin(["token", ...args], { cwd, ...options });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const { payload } = await jwtVerify(stdout.trim(), new TextEncoder().encode(secret));
  return payload;
}
const env = { AUTH_JWT_SECRET: SECRET };

describe("durable-rooms token", () => {
  it("makes an operator's token for one hour", async () => {
    const { iat, exp, ...claims } = await claimsOf(["--worlds", "world-default, other"], SECRET, { env });
    expect(claims).toEqual({ aud: "durable-rooms-operator", worlds: ["world-default", "other"] });
    expect(exp).toBe(Number(iat) + 3600);
    const { aud, rooms } = await claimsOf(["--operator", "--claim", "rooms=*"], SECRET, { env });
    expect([aud, rooms]).toEqual(["durable-rooms-operator", "*"]);
  });

  it("makes a user's token with claims that are JSON or text", async () => {
    const claims = ["role=admin", "level=5", 'id="7"', "tags=[1,2]", "a=b=c", "empty="].flatMap((c) => ["--claim", c]);
    const found = await claimsOf(["--sub", "ada", ...claims, "--expires", "90s"], SECRET, { env });
    expect(found).toEqual({
      sub: "ada",
      role: "admin",
      level: 5,
      id: "7",
      tags: [1, 2],
      a: "b=c",
      empty: "",
      iat: expect.any(Number),
      exp: Number(found["iat"]) + 90,
    });
  });

  it("reads the secret from .dev.vars, or from another file", async () => {
    expect(await claimsOf(["--sub", "ada"], FILE_SECRET)).toMatchObject({ sub: "ada" });
    const other = ["--secret-env", "OTHER", "--secrets-file", "other.env"];
    expect(await claimsOf(["--sub", "bob", ...other])).toMatchObject({ sub: "bob" });
  });

  it("prefers the environment to the file, and standard input to both", async () => {
    expect(await claimsOf(["--sub", "ada"], SECRET, { env })).toMatchObject({ sub: "ada" });
    const input = "a third one, which comes through a pipe\n";
    expect(await claimsOf(["--sub", "ada", "--secret-stdin"], input.trim(), { env, input })).toHaveProperty("exp");
  });

  it.each([
    [["--secret-env", "NOT_THERE"], "NOT_THERE is neither in the environment nor in .dev.vars"],
    [["--secret-env", "SHORT", "--secrets-file", "other.env"], "5 bytes, but HS256 needs at least 32"],
    [["--secret-stdin"], "no secret on standard input"],
    [["--secret-env", "NOT_THERE", "--secrets-file", "."], "cannot be read"],
  ])("%j has no secret: it ends with 1, and prints nothing else", async (args, why) => {
    const { code, stdout, stderr } = await runBin(["token", ...args], { cwd });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(why);
    expect(stderr).not.toContain("short");
  });
});
