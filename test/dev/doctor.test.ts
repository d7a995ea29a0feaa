import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, startDevServer } from "../browser/dev-server.ts";
import type { DevServer } from "../browser/dev-server.ts";
import { runBin } from "../cli/bin.ts";
import type { Finding } from "../../src/cli/doctor/checks.ts";

const AUTH_JWT_SECRET = "a secret of the tests, 32 bytes or more";
const folder = mkdtempSync(join(tmpdir(), "durable-rooms-doctor-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(project: string): Promise<DevServer> {
  const cwd = join(import.meta.dirname, project);
  return freePort().then((port) => startDevServer({ port, persistTo: join(folder, project), cwd }));
}

async function tokenOf(...args: string[]): Promise<string> {
  const { stdout } = await runBin(["token", ...args], { env: { AUTH_JWT_SECRET } });
  return stdout.trim();
}

/** Runs the command. @returns its findings by name, without parts that differ between runs */
async function examine(server: DevServer, room: string, env: Record<string, string> = {}, ...args: string[]) {
  const OPERATOR_TOKEN = await tokenOf("--operator", "--claim", "rooms=*");
  const ended = await runBin(["doctor", server.url, "--room", room, "--json", ...args], {
    env: { OPERATOR_TOKEN, ...env },
  });
  const findings = ended.stdout === "" ? [] : (JSON.parse(ended.stdout) as Finding[]);
  return { ...ended, findings, verdicts: Object.fromEntries(findings.map(({ name, verdict }) => [name, verdict])) };
}

const sawOf = (findings: readonly Finding[], name: string) => findings.find((finding) => finding.name === name)?.saw;

describe("doctor, with the wrangler.toml of the documentation", () => {
  let server: DevServer;
  beforeAll(async () => {
    server = await start("doctor");
  });
  afterAll(() => server?.kill());

  it("finds no problems, and lists what only people can check", async () => {
    const { code, stderr, verdicts, findings } = await examine(server, "quiet-1");
    expect(verdicts).toEqual({
      "The service answers, and hides metrics without a token": "ok",
      "wrangler.toml has the compatibility date and flags": "ok",
      "The Worker and the room run the same deployed version": "ok",
      // wrangler dev has its own proxy in front of the Worker, which compresses.
      "Compression is off": "look",
      "Refusals close at once": "ok",
      "A write is durable in time": "ok",
      "An alarm rings once": "ok",
      "The room hibernates, and its connections stay open": "ok",
      "Session ids are not logged": "look",
      "The quota is not used up": "look",
    });
    expect([code, stderr]).toEqual([0, ""]);
    expect(sawOf(findings, "An alarm rings once")).toBe("1");
    // The session id that the check used is not in the log either.
    expect(server.log()).not.toContain(sawOf(findings, "Session ids are not logged"));
  });

  it("prints what it expected and what it saw, and what keeps a room awake", async () => {
    const OPERATOR_TOKEN = await tokenOf("--operator", "--claim", "rooms=*");
    const run = await runBin(["doctor", server.url, "--room", "restless-1"], { env: { OPERATOR_TOKEN } });
    expect(run.stdout).toContain(
      "FAILED  The room hibernates, and its connections stay open\n        expected  after 10 seconds without events",
    );
    expect(run.stdout).toContain("saw       it stayed in memory, awake because of: tick\n");
    expect([run.code, run.stderr]).toEqual([1, "error: 1 of 10 checks failed\n"]);
  });

  it("enters a room that needs a token with one", async () => {
    const refused = await examine(server, "closed-1");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("The room refused a user: closed with 4401"),
    ]);
    const USER_TOKEN = await tokenOf("--sub", "ada");
    const { code } = await examine(server, "closed-1", { USER_TOKEN }, "--user-token-env", "USER_TOKEN");
    expect(code).toBe(0);
  });

  it("reports that the token is not an operator's, or that there is no answer", async () => {
    const user = await examine(server, "quiet-2", { OPERATOR_TOKEN: await tokenOf("--sub", "ada") });
    expect([user.code, user.stderr]).toEqual([1, expect.stringContaining("use an operator's token")]);
    const nobody = { ...server, url: `http://localhost:${await freePort()}` };
    expect((await examine(nobody, "quiet-2")).stderr).toContain("No answer from http://localhost:");
  });
});

describe("doctor, with an old wrangler.toml", () => {
  let server: DevServer;
  beforeAll(async () => {
    server = await start("doctor-old");
  });
  afterAll(() => server?.kill());

  it("finds the missing settings", async () => {
    const { code, verdicts, findings } = await examine(server, "quiet-1");
    expect(verdicts).toMatchObject({
      "wrangler.toml has the compatibility date and flags": "failed",
      "The Worker and the room run the same deployed version": "look",
      "Compression is off": "failed",
    });
    const missing = sawOf(findings, "wrangler.toml has the compatibility date and flags");
    for (const setting of ["compatibility_date", "no_web_socket_compression", "enable_request_signal"])
      expect(missing).toContain(setting);
    expect(code).toBe(1);
  });
});
