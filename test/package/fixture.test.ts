import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { freePort, startDevServer } from "../browser/dev-server.ts";
import { connect } from "./connect.ts";
import { exec, ROOT } from "./exec.ts";

const FLAGS = ["isolatedModules", "verbatimModuleSyntax", "exactOptionalPropertyTypes"];
/** All combinations of the flags. */
const COMBINATIONS = Array.from({ length: 2 ** FLAGS.length }, (_, bits) =>
  FLAGS.map((flag, index) => [flag, String(Boolean(bits & (1 << index)))] as const),
);
const TOOLS = [
  "typescript",
  "vitest",
  "wrangler",
  "react",
  "@types/react",
  "@types/node",
  "@cloudflare/workers-types",
  "@cloudflare/vitest-pool-workers",
];

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

describe("an empty wrangler project with the tarball", () => {
  const cwd = join(inject("folder"), "fixture");
  const bin = (name: string, ...args: string[]) => exec(join(cwd, "node_modules/.bin", name), args, { cwd });

  beforeAll(async () => {
    cpSync(join(ROOT, "test/fixture"), cwd, { recursive: true });
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;
    const tools = TOOLS.map((name) => `${name}@${devDependencies[name]}`);
    const peers = [`zod@${dependencies["zod"]}`];
    const flags = ["--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"];
    await exec("npm", ["install", ...flags, inject("tarball"), ...peers, ...tools], { cwd });
  });

  it("has a room in ten lines", () => {
    const lines = readFileSync(join(cwd, "src/room.ts"), "utf8").trim().split("\n");
    expect(lines.length).toBeLessThanOrEqual(10);
  });

  it.each(COMBINATIONS)("type-checks with %j, %j, %j", async (...flags) => {
    const options = flags.flatMap(([flag, value]) => [`--${flag}`, value]);
    await bin("tsc", "-p", ".", ...options);
    await bin("tsc", "-p", "page", ...options);
  });

  it("tests its room with durable-rooms/testing", async () => {
    expect(await bin("vitest", "run")).toContain("1 passed");
  });

  it("is built by wrangler", async () => {
    expect(await bin("wrangler", "deploy", "--dry-run", "--outdir", "out")).toContain("env.ROOMS (RoomObject)");
  });

  it("runs under wrangler dev", async () => {
    const server = await startDevServer({ port: await freePort(), persistTo: join(cwd, "state"), cwd });
    try {
      const client = connect(server.url, "counter-1");
      await client.call("add", 3);
      await expect.poll(() => client.read("count")).toBe(3);
      client.close();
    } finally {
      await server.kill();
    }
  });
});
