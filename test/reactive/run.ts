import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * `npm run test:reactive`: checks which versions of `@signe/reactive` from 3.0 on have the private parts that
 * `src/state/signals` uses. Each version in the npm registry is installed into a temporary folder, and the property
 * tests run with it. The script fails if they fail with the pinned version.
 */
const PACKAGE = "@signe/reactive";
const MIN_MAJOR = 3;

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: Record<string, string> };
const pinned = manifest.dependencies[PACKAGE] as string;
const folder = mkdtempSync(join(tmpdir(), "reactive-"));
try {
  const results = publishedVersions().map((version) => ({ version, works: passesWith(version) }));
  for (const { version, works } of results) {
    console.log(`${version}${version === pinned ? " (pinned)" : ""}: ${works ? "works" : "FAILS"}`);
  }
  if (!results.some(({ version, works }) => version === pinned && works)) {
    console.error(`The pinned version ${pinned} of ${PACKAGE} does not pass the property tests`);
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}

function publishedVersions(): string[] {
  const versions = JSON.parse(npm("view", PACKAGE, "versions", "--json")) as string[];
  return versions.filter((version) => Number(version.split(".")[0]) >= MIN_MAJOR);
}

function passesWith(version: string): boolean {
  const prefix = join(folder, version);
  npm("install", "--prefix", prefix, "--no-audit", "--no-fund", "--silent", `${PACKAGE}@${version}`);
  const module = join(prefix, "node_modules", PACKAGE, "dist/index.js");
  console.log(`Testing with ${PACKAGE} ${version}`);
  const { status } = spawnSync("vitest", ["run", "--config", "test/reactive/vitest.config.ts"], {
    env: { ...process.env, REACTIVE_MODULE: module },
    stdio: "inherit",
  });
  return status === 0;
}

function npm(...args: string[]): string {
  return execFileSync("npm", args, { encoding: "utf8" });
}
