import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { freePort, startDevServer } from "../browser/dev-server.ts";
import { exec, ROOT } from "./exec.ts";

/** Each package manager with the npm package that contains it. `create.test.ts` tests npm. */
const MANAGERS = [
  ["pnpm", "pnpm@12.4.2"],
  ["yarn", "yarn@1.22.22"],
  ["yarn", "@yarnpkg/cli-dist@4.18.1"],
  ["bun", "bun@1.4.4"],
] as const;

describe.each(["vanilla", "vite-react"])("a project of the template %s", (template) => {
  it.each(MANAGERS)("is installed, tested and started with %s, of %s", async (manager, spec) => {
    const parent = join(inject("folder"), "managers");
    mkdirSync(parent, { recursive: true });
    const cwd = join(parent, `${template}-${spec.replaceAll(/[^a-z0-9]+/g, "-")}`);
    const create = ["create", cwd, "--name", "my-app", "--template", template, "--package", inject("tarball")];
    await exec(process.execPath, ["src/cli/bin.ts", ...create], { cwd: ROOT });
    const run = (...args: string[]) =>
      exec("npm", ["exec", "--yes", "--package", spec, "--", manager, ...args], { cwd });
    await run("install");
    expect(await run("run", "test")).toContain("4 passed");
    await run("run", "typecheck");
    if (template !== "vanilla") {
      expect(await run("run", "build")).toContain("built in");
      return;
    }
    const server = await startDevServer({ port: await freePort(), persistTo: join(cwd, "state"), cwd });
    onTestFinished(() => server.kill());
    expect((await fetch(`${server.url}/main.js`)).status).toBe(200);
  });
});
